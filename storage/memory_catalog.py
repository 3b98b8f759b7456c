"""Accounts and keys in memory, for tests and for a server that is to leave nothing behind."""

from collections.abc import Mapping
from dataclasses import replace

from engine.ports import StoreError
from storage.catalog import ACCOUNT_KEYS_MAX, OWNER, Account, KeyIdTaken, KeyRecord, TooManyKeys


class MemoryCatalog:
    """A catalogue that ends with the process; while `failure` is set, every step raises it."""

    failure: StoreError | None = None

    def __init__(self) -> None:
        self._accounts: dict[int, Account] = {}
        self._keys: dict[bytes, KeyRecord] = {}
        self._used: dict[tuple[int, str], int] = {}
        self._generation = 0

    def __repr__(self) -> str:
        return f"<MemoryCatalog {len(self._accounts)} accounts, {len(self._keys)} keys>"

    async def found(self, name: str, created_ms: int, key: KeyRecord) -> bool:
        self._fail()
        if self._accounts:
            return False
        self._accounts[OWNER] = Account(OWNER, name, created_ms)
        self._keys[key.digest] = key
        return True

    async def create_account(self, name: str, created_ms: int, spread: int = 1) -> Account:
        self._fail()
        account = Account(len(self._accounts) + 1, name, created_ms, spread)
        self._accounts[account.id] = account
        return account

    async def account(self, number: int) -> Account | None:
        self._fail()
        return self._accounts.get(number)

    async def accounts(self) -> list[Account]:
        self._fail()
        return list(self._accounts.values())

    async def rename_account(self, number: int, name: str) -> bool:
        self._fail()
        known = self._accounts.get(number)
        if known is not None:
            self._accounts[number] = replace(known, name=name)
        return known is not None

    async def put_key(self, key: KeyRecord) -> None:
        self._fail()
        ids = [kept.id for kept in self._keys.values() if kept.account == key.account]
        if key.id in ids:
            raise KeyIdTaken(key.id)
        if len(ids) >= ACCOUNT_KEYS_MAX:
            raise TooManyKeys(f"an account has at most {ACCOUNT_KEYS_MAX} API keys")
        self._keys[key.digest] = key

    async def key(self, digest: bytes) -> KeyRecord | None:
        self._fail()
        return self._keys.get(digest)

    async def keys(self, account: int) -> list[KeyRecord]:
        self._fail()
        mine = [key for key in self._keys.values() if key.account == account]
        mine.sort(key=lambda key: (key.created_ms, key.id))
        return [replace(key, used_ms=self._used.get((account, key.id))) for key in mine]

    async def revoke_key(self, account: int, key_id: str) -> bool:
        self._fail()
        for key in self._keys.values():
            if (key.account, key.id) == (account, key_id):
                del self._keys[key.digest]
                self._used.pop((account, key_id), None)
                self._generation += 1
                return True
        return False

    async def generation(self) -> int:
        self._fail()
        return self._generation

    async def note_used(self, used: Mapping[tuple[int, str], int]) -> None:
        self._fail()
        kept = {(key.account, key.id) for key in self._keys.values()}
        self._used.update({place: at_ms for place, at_ms in used.items() if place in kept})

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
