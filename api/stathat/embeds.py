"""The scripts by which pages elsewhere show stats: `StatHatEmbed.render({s1: …})`. Pure.

Law: a script sets the inside of one place of the page, to text in which nothing runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from api.http.problems import wrong_field
from api.query.durations import Duration
from api.stathat.pictures import Size
from api.stathat.timeframes import Timeframe, read_timeframe

KEYS_MAX: Final = 3
"""Stats of one embed."""

PARAMETER_LENGTH_MAX: Final = 200
WIDTH_PX, HEIGHT_PX = 760, 235
SIDE_PX_MIN, SIDE_PX_MAX = 20, 4_000

FRAMES: Final[Mapping[str, tuple[str, Duration]]] = {
    "half_compare": ("12h10m", Duration(ms=12 * 3_600_000)),
    "day_compare": ("1d30m", Duration(days=1)),
    "week_compare": ("1w3h", Duration(days=7)),
    "month_compare": ("30d12h", Duration(days=30)),
    "year_compare": ("52w1w", Duration(days=364)),
}
"""What `tf` names: how much, and how far back lies what it is compared with."""

USUAL: Final = "week_compare"

LOADER: Final = """\
(function () {
  "use strict";
  var own = document.currentScript;
  var base = own ? own.src.replace(/\\/javascripts\\/embed\\.js.*$/, "") : "";
  function joined(values) {
    return values.map(function (value) { return value === undefined ? "" : value; }).join("_");
  }
  function place(id) {
    var scripts = document.getElementsByTagName("script");
    var here = document.currentScript || scripts[scripts.length - 1];
    var div = document.createElement("div");
    div.id = id;
    div.style.display = "none";
    here.parentNode.insertBefore(div, here.nextSibling);
  }
  function fetched(kind, ask, names) {
    var keys = [ask.s1, ask.s2, ask.s3].filter(Boolean).map(encodeURIComponent);
    var query = names.filter(function (name) { return ask[name] !== undefined; });
    var script = document.createElement("script");
    script.src = base + "/embed/" + kind + "/" + keys.join("/") + "?" + query.map(
      function (name) { return name + "=" + encodeURIComponent(ask[name]); }
    ).join("&");
    document.head.appendChild(script);
  }
  function shower(kind) {
    return function (ask) {
      var sized = [ask.s1, ask.s2, ask.s3, ask.w, ask.h, ask.tf, ask.style];
      var known = kind === "text" ? [ask.s1, ask.u] : sized;
      place("statd_embed_" + kind + "_" + joined(known));
      fetched(kind, ask, ["w", "h", "tf", "style", "title", "u"]);
    };
  }
  window.StatHatEmbed = {
    render_graph: shower("graph"), render_data: shower("data"),
    render_table: shower("table"), render_text: shower("text"),
    render: function (ask) {
      ask.tf = ask.tf || "week_compare";
      this.render_graph(ask);
    }
  };
})();
"""
"""What old pages load first."""


@dataclass(frozen=True, slots=True)
class Embed:
    """What a script shows, and where."""

    kind: str
    keys: Sequence[str]
    place: str
    size: Size
    title: str
    frame: str

    @property
    def timeframe(self) -> Timeframe:
        """How much of each stat."""
        return read_timeframe(FRAMES[self.frame][0])

    @property
    def back(self) -> Duration:
        """How far back lies the time before."""
        return FRAMES[self.frame][1]


def read_embed(kind: str, keys: Sequence[str], params: Mapping[str, str]) -> Embed:
    """What the address of a script says; Problem when it cannot be."""
    for name, value in params.items():
        if len(value) > PARAMETER_LENGTH_MAX:
            raise wrong_field(name, f"at most {PARAMETER_LENGTH_MAX} characters")
    said = [params.get(name, "") for name in ("w", "h", "tf", "style")]
    named = [*keys, *[""] * (KEYS_MAX - len(keys)), *said]
    if kind == "text":
        named = [keys[0], params.get("u", "")]
    size = Size(_pixels(params.get("w"), WIDTH_PX), _pixels(params.get("h"), HEIGHT_PX))
    frame = params.get("tf", USUAL)
    return Embed(
        kind, keys, f"statd_embed_{kind}_{'_'.join(named)}", size, params.get("title", ""),
        frame if frame in FRAMES else USUAL,
    )  # fmt: skip


def script_of(place: str, inside: str) -> str:
    """The script that shows something in its place."""
    return (
        f"(function(){{var e=document.getElementById({_quoted(place)});"
        f"if(e){{e.innerHTML={_quoted(inside)};e.style.display='block'}}}})();"
    )


def _quoted(text: str) -> str:
    """A text in a script; nothing in it ends the script."""
    quoted = msgspec.json.encode(text).decode()
    return quoted.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _pixels(text: str | None, usual: int) -> int:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= 5):
        return usual
    return min(max(int(text), SIDE_PX_MIN), SIDE_PX_MAX)
