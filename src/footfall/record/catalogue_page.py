"""Where does a newcomer look up a feature? The catalogue as tables for ``docs/features.md``, one for each group."""

from footfall.record.features import CATALOGUE, Feature

GROUPS = {
    "recency": "How long ago things happened. NaN if never.",
    "session": "The session going on, or the last one.",
    "lifetime": "Everything the visitor ever did.",
    "decayed": "Everything the visitor ever did, the older the less it counts.",
    "mix": "What the visitor mostly does.",
    "funnel": "How far the visitor gets from one step to the next. NaN if the step before never happened.",
    "price": "Price attitude: which prices the visitor looks at, and where they lie among others of the category.",
    "dwell": "How long the visitor stays, and in which sections of the shop.",
    "gaps": "The rhythm of events within sessions, and of sessions.",
    "past": "What sessions before this one were like. NaN in the first.",
    "frequency": "How often, by the visitor's local days.",
    "when": "At which local hours and weekdays.",
    "channel": "How the visitor comes to the shop.",
    "device": "With what the visitor comes.",
    "cart": "What is in the cart now.",
    "orders": "What was bought, online and in stores.",
    "state": "What kind of visitor this is.",
    "interest": "What the visitor has looked at lately.",
    "shared": "What views of the same products and categories lead to, over all visitors: from the "
    "[shared facts](architecture.md#shared-facts) in force. NaN if nothing is known of them yet.",
}
"""What each group of features tells, in the order of the page."""


def tables() -> str:
    """Markdown: for each group a heading, a sentence and a table of its features."""
    return "".join(
        f"\n## {name.capitalize()}\n\n{about}\n\n{_table([f for f in CATALOGUE if f.group == name])}"
        for name, about in GROUPS.items()
    )


def _table(features: list[Feature]) -> str:
    lines = ["| feature | unit | formula | what it is |", "| --- | --- | --- | --- |"]
    lines += [f"| `{f.name}` | {f.unit} | `{f.formula}` | {f.about} |" for f in features]
    return "\n".join(lines) + "\n"
