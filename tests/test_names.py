"""`engine`, `storage` and `api` mean this checkout, whatever else is installed.

They are plain top-level names of an application that runs from an environment of its own. Were one
of its libraries to ship a package of the same name, Python would import whichever it finds first.
"""

from importlib.metadata import packages_distributions
from importlib.util import find_spec

import pytest

from tests.source_tree import FOLDERS, PRODUCT, ROOT


@pytest.mark.parametrize("name", FOLDERS)
def test_no_library_has_a_package_of_our_name(name: str) -> None:
    assert set(packages_distributions().get(name, ())) <= {"statflow"}


@pytest.mark.parametrize("name", PRODUCT)
def test_the_name_means_this_checkout(name: str) -> None:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin == str(ROOT / name / "__init__.py")
