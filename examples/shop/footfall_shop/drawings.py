# ruff: noqa: E501  (paths of drawings)
"""How is each kind of thing drawn? Shapes of 400 x 400 units in three tones of a colour, with shade and pattern.

A drawing is a function from a :class:`Brush` to SVG. Every shape stands on the line y = 372, light comes from the left.
"""

from collections.abc import Callable

from footfall_shop.assortment import Colour

RUBBER, SOLE, BRASS, WOOD, STEEL, LEATHER, PAPER = (
    "#efe8da", "#37332e", "#b98d3e", "#b58a5c", "#b9bcbd", "#8a5a38", "#fbf6ea",
)  # fmt: skip


class Brush:
    """Draws in one colour and pattern; ``prefix`` keeps ids apart when several drawings share a picture."""

    def __init__(self, colour: Colour, pattern: str = "", prefix: str = "a") -> None:
        self.main, self.dark, self.light = colour.main, colour.dark, colour.light
        self.pattern, self.prefix = pattern, prefix

    def defs(self) -> str:
        """Gradients and pattern that the shapes refer to."""
        p = self.prefix
        drawn = _PATTERNS.get(self.pattern, "").format(p=p, m=self.main, d=self.dark, l=self.light)
        return (
            f'<linearGradient id="{p}s" x1="0" x2="1" y1="0" y2=".25"><stop offset="0" stop-color="#fff" stop-opacity=".24"/>'
            '<stop offset=".4" stop-color="#fff" stop-opacity="0"/><stop offset=".6" stop-color="#1b1206" stop-opacity="0"/>'
            '<stop offset="1" stop-color="#1b1206" stop-opacity=".26"/></linearGradient>'
            f'<linearGradient id="{p}v" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="#fff" stop-opacity=".16"/>'
            '<stop offset=".55" stop-color="#1b1206" stop-opacity="0"/><stop offset="1" stop-color="#1b1206" stop-opacity=".22"/></linearGradient>'
            f'<radialGradient id="{p}g"><stop offset="0" stop-color="#fff3cf" stop-opacity=".85"/><stop offset="1" stop-color="#fff3cf" stop-opacity="0"/></radialGradient>'
            f"{drawn}"
        )

    def piece(self, d: str, fill: str = "", *, has_pattern: bool = True, shade: str = "s") -> str:
        """A part of the thing: its colour, the pattern on it, and light from the left."""
        over = f'<path d="{d}" fill="url(#{self.prefix}p)"/>' if has_pattern and self.pattern in _PATTERNS else ""
        return f'<path d="{d}" fill="{fill or self.main}"/>{over}<path d="{d}" fill="url(#{self.prefix}{shade})"/>'

    def plain(self, d: str, fill: str = "", shade: str = "s") -> str:
        """A part without the pattern."""
        return self.piece(d, fill or self.dark, has_pattern=False, shade=shade)

    def line(self, d: str, stroke: str = "", width: float = 3, opacity: float = 0.55, more: str = "") -> str:
        """A seam or an edge."""
        return (
            f'<path d="{d}" fill="none" stroke="{stroke or self.dark}" stroke-width="{width}" opacity="{opacity}" '
            f'stroke-linecap="round" stroke-linejoin="round"{more}/>'
        )


def _dots(points: list[tuple[float, float]], radius: float, fill: str) -> str:
    return "".join(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>' for x, y in points)


def _mirror(svg: str) -> str:
    return f'<g transform="matrix(-1 0 0 1 400 0)">{svg}</g>'


_PATTERNS = {
    "knit": '<pattern id="{p}p" width="10" height="9" patternUnits="userSpaceOnUse"><path d="M1 1l4 5 4-5" fill="none" stroke="{d}" stroke-width="1.6" opacity=".38"/></pattern>',
    "cable": '<pattern id="{p}p" width="32" height="26" patternUnits="userSpaceOnUse"><path d="M3 0v26M29 0v26" stroke="{d}" stroke-width="2" opacity=".4"/><path d="M9 0c0 9 14 4 14 13s-14 4-14 13M23 0c0 9-14 4-14 13s14 4 14 13" fill="none" stroke="{d}" stroke-width="2.2" opacity=".42"/></pattern>',
    "stripe": '<pattern id="{p}p" width="40" height="26" patternUnits="userSpaceOnUse"><path d="M0 6h40" stroke="{d}" stroke-width="8" opacity=".75"/><path d="M0 18h40" stroke="{l}" stroke-width="2" opacity=".6"/></pattern>',
    "check": '<pattern id="{p}p" width="44" height="44" patternUnits="userSpaceOnUse"><path d="M10 0v44M0 10h44" stroke="{d}" stroke-width="12" opacity=".42"/><path d="M32 0v44M0 32h44" stroke="{l}" stroke-width="3" opacity=".75"/><path d="M22 0v44M0 22h44" stroke="{d}" stroke-width="1.5" opacity=".6"/></pattern>',
    "quilt": '<pattern id="{p}p" width="34" height="34" patternUnits="userSpaceOnUse"><path d="M0 17L17 0l17 17-17 17z" fill="none" stroke="{d}" stroke-width="2" opacity=".55"/><path d="M2 17L17 2l15 15" fill="none" stroke="{l}" stroke-width="1.5" opacity=".4"/></pattern>',
    "herringbone": '<pattern id="{p}p" width="16" height="12" patternUnits="userSpaceOnUse"><path d="M0 0l8 8 8-8M0 6l8 8 8-8M0-6l8 8 8-8" fill="none" stroke="{l}" stroke-width="1.8" opacity=".5"/></pattern>',
    "dots": '<pattern id="{p}p" width="22" height="22" patternUnits="userSpaceOnUse"><circle cx="5" cy="5" r="2.6" fill="{l}" opacity=".95"/><circle cx="16" cy="16" r="2.6" fill="{l}" opacity=".95"/></pattern>',
    "leaf": '<pattern id="{p}p" width="46" height="52" patternUnits="userSpaceOnUse"><path d="M8 22c0-12 10-16 14-16 0 10-4 16-14 16zM30 48c0-12 10-16 14-16 0 10-4 16-14 16z" fill="{l}" opacity=".8"/><path d="M36 20c-8-2-10-8-10-14 8 1 11 7 10 14zM14 46c-8-2-10-8-10-14 8 1 11 7 10 14z" fill="{d}" opacity=".6"/></pattern>',
    "kelim": '<pattern id="{p}p" width="60" height="60" patternUnits="userSpaceOnUse"><path d="M30 4l26 26-26 26L4 30z" fill="{l}" opacity=".85"/><path d="M30 16l14 14-14 14-14-14z" fill="{d}"/><path d="M30 24l6 6-6 6-6-6z" fill="#ecd9ae"/><path d="M0 0l10 10L0 20zM60 0L50 10l10 10zM0 40l10 10L0 60zM60 40L50 50l10 10z" fill="{d}" opacity=".8"/></pattern>',
    "waffle": '<pattern id="{p}p" width="16" height="16" patternUnits="userSpaceOnUse"><path d="M0 0h16v16H0z" fill="none" stroke="{d}" stroke-width="3" opacity=".35"/><path d="M4 4h8v8H4z" fill="{d}" opacity=".14"/></pattern>',
    "speckle": '<pattern id="{p}p" width="52" height="46" patternUnits="userSpaceOnUse"><g fill="{d}" opacity=".55"><circle cx="6" cy="8" r="1.5"/><circle cx="24" cy="4" r="1"/><circle cx="38" cy="14" r="1.8"/><circle cx="14" cy="24" r="1.2"/><circle cx="46" cy="30" r="1.1"/><circle cx="30" cy="34" r="1.6"/><circle cx="8" cy="40" r="1"/></g></pattern>',
    "velvet": '<pattern id="{p}p" width="120" height="160" patternUnits="userSpaceOnUse"><path d="M-10 60C30 20 60 90 130 30v40C70 120 30 60-10 100zM-10 140c50-30 80 20 140-30v30c-60 40-90 0-140 30z" fill="{l}" opacity=".28"/></pattern>',
}  # fmt: skip

# Clothes, laid flat ----------------------------------------------------------------------------------------------------

_BODY = "M158 76Q200 100 242 76L284 94C290 122 280 150 277 182L280 352Q200 364 120 352L123 182C120 150 110 122 116 94Z"
_SLEEVE = "M118 93C98 100 90 114 85 136L58 318Q76 330 100 326L124 206L128 150Z"
_CUFF = "M58 318Q78 332 100 326L97 344Q76 348 55 338Z"
_NECK = "M164 70Q200 60 236 70Q200 96 164 70Z"


def _torso(b: Brush, body: str = _BODY, *, cuffs: bool = True) -> str:
    sleeve = b.piece(_SLEEVE) + (b.plain(_CUFF) if cuffs else "")
    seam = b.line("M121 96C116 124 126 154 124 186", width=2.5, opacity=0.4)
    return sleeve + _mirror(sleeve) + b.piece(body) + seam + _mirror(seam)


def _crew(b: Brush) -> str:
    return f'<path d="{_NECK}" fill="{b.dark}"/>' + b.plain("M156 74Q200 112 244 74L236 68Q200 94 164 68Z")


def _hem(b: Brush) -> str:
    ribs = "".join(f"M{x} 342v18" for x in range(130, 276, 10))
    return b.plain("M119 336Q200 348 281 336L280 360Q200 372 120 360Z") + b.line(ribs, b.light, 1.5, 0.35)


def sweater(b: Brush) -> str:
    """A crew neck; with ``yoke`` bands of colour run round the shoulders."""
    yoke = ""
    if b.pattern == "yoke":
        rows = []
        for n, (y, fill) in enumerate(((118, "#ecd9ae"), (140, b.light), (162, "#b0572f"))):
            peaks = " ".join(
                f"L{x} {y + (10 if i % 2 else 0) + abs(200 - x) * -0.1:.0f}" for i, x in enumerate(range(118, 286, 8))
            )
            rows.append(
                f'<path d="M117 {y} {peaks}" fill="none" stroke="{fill}" stroke-width="{6 - n}" stroke-linejoin="round"/>'
            )
        rows.append(_dots([(x, 180 - abs(200 - x) * 0.1) for x in range(130, 276, 12)], 3.2, "#ecd9ae"))
        yoke = f'<clipPath id="{b.prefix}y"><path d="{_BODY}"/></clipPath><g clip-path="url(#{b.prefix}y)">{"".join(rows)}</g>'
    return (
        _torso(b)
        + yoke
        + _hem(b)
        + _crew(b)
        + b.line("M150 200c8 40 6 90 2 120M252 210c-6 40-4 80 0 108", width=2, opacity=0.18)
    )


def rollneck(b: Brush) -> str:
    """A roll neck."""
    neck = b.piece("M160 84L158 44Q200 32 242 44L240 84Q200 106 160 84Z", shade="v")
    return _torso(b) + _hem(b) + neck + b.line("M159 62Q200 78 241 62", width=3, opacity=0.5)


def cardigan(b: Brush) -> str:
    """V-neck with a button band and two pockets."""
    band = b.plain("M160 74L196 190V362H208V190L240 74L230 68L202 160L170 68Z", shade="v")
    pockets = b.line("M138 276h44v44h-44zM218 276h44v44h-44z", width=3, opacity=0.5)
    return (
        _torso(b) + _hem(b) + f'<path d="M166 70Q200 60 234 70L202 168Z" fill="{b.dark}" opacity=".85"/>' + band + pockets
        + _dots([(202, y) for y in (206, 242, 278, 314, 348)], 5.5, "#5b4430") + _dots([(201, y - 1) for y in (206, 242, 278, 314, 348)], 1.6, "#c9a57d")
    )  # fmt: skip


def vest(b: Brush) -> str:
    """A knitted vest over nothing."""
    body = (
        "M152 78L202 176L248 78L276 90C268 124 278 150 284 184L280 352Q200 364 120 352L116 184C122 150 132 124 124 90Z"
    )
    rib = b.line("M150 80L202 180L250 80", b.dark, 11, 1) + b.line(
        "M126 92c6 34-4 60-8 92M274 92c-6 34 4 60 8 92", b.dark, 9, 1
    )
    return b.piece(body) + _hem(b) + rib


def gilet(b: Brush) -> str:
    """Quilted, without sleeves."""
    body = "M150 76L250 76L276 92C268 124 280 150 284 184L282 356Q200 366 118 356L116 184C120 150 132 124 124 92Z"
    collar = b.plain("M152 80Q150 52 164 44Q200 36 236 44Q250 52 248 80Q200 96 152 80Z", shade="v")
    return (
        b.piece(body) + collar + b.line("M200 50V360", BRASS, 4, 0.9, ' stroke-dasharray="3 3"') + b.line("M126 92c6 34-6 60-8 92M274 92c-6 34 6 60 8 92", b.dark, 6, 0.8)
        + b.line("M136 262l40 10v44M264 262l-40 10v44", b.dark, 4, 0.7)
    )  # fmt: skip


def jacket(b: Brush) -> str:
    """A quilted liner with snaps."""
    collar = b.plain("M156 78Q158 60 168 56Q200 66 232 56Q242 60 244 78Q200 106 156 78Z", shade="v")
    return (
        _torso(b) + collar + b.line("M200 92V358", b.dark, 9, 0.85) + _dots([(200, y) for y in (112, 160, 208, 256, 304, 346)], 4.5, STEEL)
        + b.line("M138 262h44M218 262h44", b.dark, 8, 0.8)
    )  # fmt: skip


def parka(b: Brush) -> str:
    """A hooded coat with a storm flap."""
    body = (
        "M156 80Q200 104 244 80L286 96C292 124 282 152 280 184L288 372Q200 384 112 372L120 184C118 152 108 124 114 96Z"
    )
    hood = (
        b.piece("M146 92C134 58 152 26 200 26S266 58 254 92Q200 116 146 92Z")
        + f'<path d="M166 88C160 64 172 48 200 48S240 64 234 88Q200 102 166 88Z" fill="{b.dark}"/><path d="M166 88C160 64 172 48 200 48" fill="none" stroke="{b.light}" stroke-width="3" opacity=".5"/>'
    )
    flap = b.plain("M192 100h18v276q-9 2-18 0z", b.main, "v") + b.line("M192 100v276M210 100v276", width=2, opacity=0.6)
    pockets = b.plain("M134 270h46v12l-23 6-23-6zM220 270h46v12l-23 6-23-6z") + b.line(
        "M134 284v52h46v-52M220 284v52h46v-52", width=2.5, opacity=0.5
    )
    cords = b.line("M182 96v36M218 96v36", PAPER, 3, 0.9) + _dots([(182, 134), (218, 134)], 4, BRASS)
    return _torso(b, body) + flap + pockets + hood + cords + b.line("M124 236Q200 248 276 236", width=2, opacity=0.35)


def coat(b: Brush) -> str:
    """Knee-length, double-breasted, with lapels."""
    body = (
        "M154 74Q200 92 246 74L286 92C292 120 280 150 276 182L296 386Q200 398 104 386L124 182C120 150 108 120 114 92Z"
    )
    lapels = b.plain(
        "M160 72L200 200L168 176L146 120L138 92ZM240 72L200 200L232 176L254 120L262 92Z", b.main, "v"
    ) + b.line(
        "M160 72L200 200L168 176L146 122L158 116L140 90M240 72L200 200L232 176L254 122L242 116L260 90",
        width=2.5,
        opacity=0.8,
    )
    return (
        _torso(b, body) + f'<path d="M164 70Q200 60 236 70L200 196Z" fill="{b.dark}"/>' + lapels + b.line("M214 200L220 390", width=2.5, opacity=0.6)
        + _dots([(188, 222), (226, 222), (188, 262), (226, 262), (188, 302), (226, 302)], 6, "#3d2b1d") + b.line("M132 284l44-6M268 284l-44-6", width=6, opacity=0.7)
    )  # fmt: skip


def fieldjacket(b: Brush) -> str:
    """Four pockets and a collar that stands up."""
    collar = b.plain(
        "M156 80L150 56Q176 48 200 78Q224 48 250 56L244 80L222 118L200 86L178 118Z",
        LEATHER if b.main == "#6c7a4a" else b.dark,
        "v",
    )
    pockets = ""
    for x, y, w, h in ((138, 152, 44, 44), (218, 152, 44, 44), (132, 254, 52, 62), (216, 254, 52, 62)):
        pockets += (
            b.line(f"M{x} {y}v{h}h{w}v-{h}", width=2.5, opacity=0.5)
            + b.plain(f"M{x - 2} {y - 6}h{w + 4}v14l-{w / 2 + 2} 6-{w / 2 + 2}-6z")
            + _dots([(x + w / 2, y + 6)], 3, BRASS)
        )
    return (
        _torso(b)
        + b.line("M200 92V360", width=3, opacity=0.7)
        + pockets
        + collar
        + _dots([(206, y) for y in (130, 180, 230, 280, 330)], 4.5, "#4b3a28")
    )


def shirt(b: Brush) -> str:
    """A button-down."""
    collar = (
        f'<path d="{_NECK}" fill="{b.dark}" opacity=".8"/>'
        + b.plain("M162 68L150 82L172 122L200 92L228 122L250 82L238 68Q200 96 162 68Z", b.light, "v")
        + b.line("M162 68L150 82L172 122L200 92L228 122L250 82L238 68", width=2, opacity=0.5)
    )
    placket = b.plain("M192 94h16v264h-16z", b.main, "v") + b.line("M192 96v262M208 96v262", width=1.5, opacity=0.45)
    pocket = b.piece("M222 160h42v40l-21 12-21-12z") + b.line(
        "M222 160h42v40l-21 12-21-12zM222 170h42", width=2, opacity=0.5
    )
    return (
        _torso(b)
        + placket
        + pocket
        + collar
        + _dots([(200, y) for y in (126, 168, 210, 252, 294, 336)], 4, PAPER)
        + _dots([(170, 112), (230, 112)], 2.5, PAPER)
    )


def bandshirt(b: Brush) -> str:
    """No collar to speak of, and half a placket."""
    band = b.plain("M156 76Q200 106 244 76L238 62Q200 86 162 62Z", b.main, "v") + b.line(
        "M156 76Q200 106 244 76", width=2, opacity=0.6
    )
    placket = b.plain("M192 92h16v120h-16z", b.light, "v") + b.line("M192 94v118h16V94", width=2, opacity=0.5)
    folds = b.line(
        "M150 190c10 50 4 100 6 150M246 200c-6 40 0 100-4 140M176 240c4 30 0 70 2 104", width=2, opacity=0.22
    )
    return (
        _torso(b)
        + f'<path d="{_NECK}" fill="{b.dark}" opacity=".7"/>'
        + folds
        + band
        + placket
        + _dots([(200, y) for y in (112, 146, 180)], 4, PAPER)
    )


def dress(b: Brush) -> str:
    """A dress with a belt."""
    skirt = b.piece("M146 208Q200 220 254 208C270 260 292 330 298 378Q200 396 102 378C108 330 130 260 146 208Z")
    sleeve = b.piece("M132 82C112 90 100 108 92 140L112 160L146 150Z")
    top = b.piece("M160 72L200 130L240 72L270 84C270 120 258 160 256 210Q200 222 144 210C142 160 130 120 130 84Z")
    folds = b.line("M170 222C160 280 150 330 140 380M200 224V388M230 222c10 58 20 108 30 158", width=2.5, opacity=0.3)
    return (
        sleeve
        + _mirror(sleeve)
        + skirt
        + top
        + f'<path d="M164 70Q200 62 236 70L200 128Z" fill="{b.dark}" opacity=".9"/>'
        + folds
        + b.line("M160 72L200 130L240 72", width=4, opacity=0.7)
        + b.plain("M144 200Q200 214 256 200V218Q200 232 144 218Z")
        + b.line("M196 222l-8 52M204 222l10 46", b.dark, 6, 1)
    )


def pinafore(b: Brush) -> str:
    """Bib, straps and pockets over a skirt."""
    skirt = b.piece("M142 206Q200 218 258 206C272 260 290 330 296 378Q200 396 104 378C110 330 128 260 142 206Z")
    bib = b.piece("M150 116Q200 126 250 116L260 210Q200 222 140 210Z")
    straps = b.line("M160 120L176 52M240 120L224 52", b.main, 15, 1) + b.line(
        "M160 120L176 52M240 120L224 52", b.dark, 15, 0.25
    )
    pockets = b.piece("M130 262h52l-4 58q-24 6-50 0zM218 262h52l2 58q-26 6-50 0z") + b.line(
        "M130 262h52l-4 58q-24 6-50 0zM218 262h52l2 58q-26 6-50 0zM130 272h52M218 272h52", width=2.5, opacity=0.55
    )
    return (
        straps
        + skirt
        + bib
        + pockets
        + b.line("M142 208Q200 220 258 208", width=5, opacity=0.6)
        + b.line("M200 224V388", width=2, opacity=0.25)
        + _dots([(160, 124), (240, 124)], 6, BRASS)
    )


# Shoes, from the side ---------------------------------------------------------------------------------------------------


def _sole(b: Brush, fill: str = RUBBER) -> str:
    return b.plain(
        "M48 332C46 350 52 366 72 366H330C350 366 360 354 356 332Q340 342 300 342H100Q70 342 48 332Z", fill, "v"
    ) + b.line("M54 350h300", "#8c8272", 2, 0.45)


def sneaker(b: Brush) -> str:
    """Laces, toe cap and a stripe at the heel."""
    upper = "M52 336C48 300 60 262 76 232C84 216 100 214 112 228C128 246 150 250 172 238L190 228C200 224 208 228 214 236C240 276 284 292 324 300C348 306 358 318 356 338Q200 350 52 336Z"
    heel = "M52 336C48 300 60 262 76 232C84 216 100 214 112 228C104 262 104 300 112 340Q80 340 52 336Z"
    toe = "M292 292C330 300 360 308 356 340Q320 344 268 343C268 320 276 302 292 292Z"
    laces = "".join(b.line(f"M{176 + 22 * n} {240 + 13 * n}l-24 24", PAPER, 7, 1) for n in range(5))
    tongue = b.plain("M168 240L186 206C200 198 216 206 214 236L196 250Z", b.light, "v")
    stitch = b.line(
        "M122 330C120 296 124 268 134 248M262 342c0-22 8-42 24-54", PAPER, 2, 0.75, ' stroke-dasharray="5 4"'
    )
    swoosh = b.line("M136 312Q190 318 250 284", b.light, 11, 0.95)
    return (
        tongue
        + b.piece(upper)
        + b.plain(heel)
        + b.plain(toe, b.light)
        + swoosh
        + stitch
        + laces
        + b.line("M80 232c8-8 20-8 30 2", b.dark, 7, 1)
        + _sole(b)
    )


def slipon(b: Brush) -> str:
    """Nothing to tie."""
    upper = "M54 338C52 306 60 276 78 262C96 254 116 266 140 270C170 274 196 262 220 262C262 268 350 292 354 340Q200 350 54 338Z"
    return (
        b.piece(upper)
        + b.plain("M148 270C164 284 178 304 184 326L214 318C212 296 212 280 218 262C196 262 170 274 148 270Z")
        + f'<path d="M82 264C110 284 180 284 218 264C180 300 110 300 82 264Z" fill="{b.dark}"/>'
        + b.line("M300 296c-16 12-24 28-26 46", PAPER, 2, 0.8, ' stroke-dasharray="5 4"')
        + b.plain(
            "M50 332C48 350 54 364 74 364H330C350 364 358 354 356 334Q340 344 300 344H100Q70 342 50 332Z",
            "#c9ae84",
            "v",
        )
        + b.line("".join(f"M{x} 342l6 20M{x + 6} 342l-6 20" for x in range(64, 344, 12)), "#8f7448", 1.5, 0.6)
    )


def boot(b: Brush) -> str:
    """A laced boot with a welt."""
    shaft = "M104 96Q150 84 206 96L214 222C222 252 262 262 300 272C344 284 352 306 350 340Q200 350 92 340C88 300 104 240 104 96Z"
    toe = "M268 264C322 276 352 292 350 340Q320 345 250 344C246 312 252 282 268 264Z"
    tongue = b.plain("M172 92L178 70Q196 62 214 70L216 220Q196 226 186 200Z", b.light, "v")
    laces = "".join(b.line(f"M{174 + n} {124 + 24 * n}L214 {116 + 24 * n}", "#e6d3a5", 5, 1) for n in range(5))
    hooks = _dots([(174 + n, 124 + 24 * n) for n in range(5)], 4.5, BRASS)
    welt = b.plain("M84 336Q200 350 354 336L356 350Q200 360 84 350Z", "#c99a5b", "v")
    sole = b.plain("M82 348H358C360 362 354 372 342 372H214L204 362H178L170 372H96C86 372 80 362 82 348Z", SOLE, "v")
    return (
        tongue
        + b.piece(shaft)
        + b.plain(toe)
        + laces
        + hooks
        + b.plain("M100 88Q150 76 208 90L208 112Q150 98 102 112Z", b.dark)
        + b.line("M122 120C118 190 112 250 112 334M240 342c0-36 6-62 22-80", PAPER, 2, 0.5, ' stroke-dasharray="6 4"')
        + b.line("M96 238C120 226 130 262 128 336", width=3, opacity=0.5)
        + welt
        + b.line("M92 342Q200 354 350 342", "#7c5426", 1.6, 0.8, ' stroke-dasharray="4 4"')
        + sole
        + b.line("M102 84q-14-20 2-32q14 8 10 30", b.dark, 6, 1)
    )


def chelsea(b: Brush) -> str:
    """Elastic at the side, nothing else."""
    upper = "M112 104Q160 94 216 104L222 216C232 254 274 266 308 276C344 288 352 308 350 342Q200 350 96 342C94 300 112 240 112 104Z"
    elastic = "M148 100Q176 96 198 101L200 196Q176 214 152 198Z"
    ribs = b.line("".join(f"M{x} 104v92" for x in range(154, 198, 6)), b.main, 1.5, 0.5)
    sole = b.plain("M90 340Q200 350 354 340V354C354 360 350 362 344 362H196V372H98C92 372 90 364 90 340Z", SOLE, "v")
    return (
        b.piece(upper)
        + b.plain(elastic)
        + ribs
        + b.line("M148 100l4 98Q176 214 200 196l-2-95", b.light, 2, 0.6)
        + b.line("M110 106q-12-22 0-36q12 6 12 34", b.dark, 7, 1)
        + b.line("M226 236c30 24 70 32 100 44", b.light, 3, 0.45)
        + sole
        + b.line("M96 344Q200 354 350 344", PAPER, 1.5, 0.4, ' stroke-dasharray="5 4"')
    )


def chukka(b: Brush) -> str:
    """Two eyelets and a crepe sole."""
    upper = "M84 190Q140 176 200 194L224 236C244 266 286 276 316 286C346 296 352 314 350 342Q200 350 72 342C66 290 84 250 84 190Z"
    quarter = "M84 190Q140 176 200 194L222 250Q190 276 178 344Q120 346 72 342C66 290 84 250 84 190Z"
    crepe = b.plain("M62 338Q200 348 356 338V356Q354 370 338 370H80Q62 370 62 354Z", "#d8b27a", "v") + b.line(
        "M64 350q30 6 60 0t60 0 60 0 60 0 50 0M64 360q30 6 60 0t60 0 60 0 60 0 50 0", "#a57d42", 1.6, 0.6
    )
    laces = b.line("M196 208l34 8M204 232l34 6", "#5a3d24", 6, 1) + b.line(
        "M232 216q26-26 34-2t-30 22q30 20 18 34", "#5a3d24", 4, 1
    )
    return (
        b.piece(upper)
        + b.plain(quarter, b.main)
        + b.line("M84 190Q140 176 200 194L222 250Q190 276 178 344", width=3, opacity=0.6)
        + b.line("M92 200Q140 188 192 202L212 248", PAPER, 1.8, 0.6, ' stroke-dasharray="5 4"')
        + laces
        + crepe
    )


def wellie(b: Brush) -> str:
    """A rubber boot, and one behind it."""
    one = "M130 92Q170 84 212 92L216 238C228 264 270 270 304 280C340 290 348 310 346 344Q220 352 112 344C110 300 130 220 130 92Z"
    shaft = (
        b.piece(one, shade="s")
        + b.plain("M126 88Q170 78 216 88L216 108Q170 98 126 108Z", b.light)
        + b.line("M150 120c-4 70-8 130-14 200", "#fff", 7, 0.3)
        + b.plain("M106 338Q220 350 350 338V362Q348 370 336 370H220l-6-8h-26l-6 8h-64q-12 0-12-12z", SOLE, "v")
        + b.plain("M128 250q44 14 92 0l4 12q-50 14-98 0z", b.dark)
    )
    return f'<g transform="translate(-58 -8) scale(.98)" opacity=".92">{shaft}</g><g transform="translate(26 0)">{shaft}</g>'


# House ------------------------------------------------------------------------------------------------------------------


def _cup(b: Brush, x: float, y: float, w: float, h: float, handle: bool = True) -> str:
    r, right = w / 2, x + w
    grip = b.line(
        f"M{right - 4} {y + h * 0.24}c{w * 0.44} {-h * 0.06} {w * 0.44} {h * 0.56} 0 {h * 0.5}", b.main, w * 0.12, 1
    ) + b.line(
        f"M{right - 4} {y + h * 0.24}c{w * 0.44} {-h * 0.06} {w * 0.44} {h * 0.56} 0 {h * 0.5}", b.dark, w * 0.12, 0.28
    )
    body = f"M{x} {y}V{y + h * 0.72}C{x} {y + h * 0.94} {x + w * 0.16} {y + h} {x + w * 0.3} {y + h}H{x + w * 0.7}C{x + w * 0.84} {y + h} {right} {y + h * 0.94} {right} {y + h * 0.72}V{y}Z"
    glaze = ""
    if b.pattern == "glaze":
        drips = f"M{x} {y}H{right}V{y + h * 0.4}q{-w * 0.08} {h * 0.2} {-w * 0.16} 0t{-w * 0.2} {h * 0.06}t{-w * 0.2} {-h * 0.02}t{-w * 0.18} {h * 0.08}t{-w * 0.26} {-h * 0.08}Z"
        glaze = b.plain(drips, b.light, "s")
    ring = f'<ellipse cx="{x + r}" cy="{y}" rx="{r}" ry="{w * 0.11}" fill="{b.light}"/><ellipse cx="{x + r}" cy="{y + 2}" rx="{r * 0.9}" ry="{w * 0.085}" fill="#4b2f1c"/><path d="M{x + r * 0.3} {y + 1}q{r * 0.6} {-w * 0.05} {r * 1.1} 0" stroke="#8d6240" stroke-width="2" fill="none" opacity=".8"/>'
    return (
        (grip if handle else "")
        + b.piece(body)
        + glaze
        + ring
        + b.line(f"M{x + w * 0.12} {y + h * 0.2}V{y + h * 0.66}", "#fff", w * 0.035, 0.35)
    )


_STEAM = '<path d="M{0} {1}c-12-18 12-26 0-46m28 46c-12-18 12-26 0-46m28 46c-12-18 12-26 0-46" stroke="#fff" stroke-width="6" fill="none" stroke-linecap="round" opacity=".5"/>'


def mug(b: Brush) -> str:
    """A mug of coffee."""
    return _STEAM.format(144, 148) + _cup(b, 86, 180, 172, 192)


def tallmug(b: Brush) -> str:
    """A taller one."""
    return _STEAM.format(152, 92) + _cup(b, 104, 124, 150, 248)


def cups(b: Brush) -> str:
    """A stack of two, and a saucer."""
    saucer = f'<ellipse cx="176" cy="366" rx="140" ry="14" fill="{b.dark}"/><ellipse cx="176" cy="361" rx="140" ry="14" fill="{b.light}"/>'
    return saucer + _cup(b, 108, 268, 120, 94) + _cup(b, 118, 168, 116, 96)


def bowl(b: Brush) -> str:
    """A deep bowl."""
    glaze = (
        b.plain("M66 226H334C334 252 330 270 322 284q-18 26-40 2t-44 8-44-10-44 10-46-8-22-20q-14-14-16-40z", b.light)
        if b.pattern == "glaze"
        else ""
    )
    return (
        b.piece("M66 226C66 300 110 356 160 366H240C290 356 334 300 334 226Z")
        + glaze
        + f'<ellipse cx="200" cy="226" rx="134" ry="30" fill="{b.light}"/><ellipse cx="200" cy="230" rx="120" ry="23" fill="{b.dark}"/><ellipse cx="200" cy="236" rx="104" ry="16" fill="#e4c88f"/>'
        + _dots([(150, 232), (180, 240), (214, 232), (244, 240), (230, 244), (168, 243)], 6, "#a63d35")
        + b.line("M90 268c8 30 24 56 46 72", "#fff", 6, 0.3)
    )


def pan(b: Brush) -> str:
    """A skillet seen from above, leaning on nothing."""
    return (
        b.plain("M268 158L366 62C378 54 392 68 384 80L296 188Z", b.dark)
        + f'<circle cx="371" cy="77" r="7" fill="{PAPER}" opacity=".7"/>'
        + f'<circle cx="172" cy="240" r="138" fill="{b.dark}"/>'
        + f'<circle cx="170" cy="234" r="134" fill="{b.main}"/><circle cx="170" cy="234" r="134" fill="url(#{b.prefix}s)"/><circle cx="172" cy="238" r="108" fill="{b.dark}"/><circle cx="172" cy="238" r="108" fill="url(#{b.prefix}v)"/>'
        + b.line("M88 196c14-36 48-60 84-62", b.light, 5, 0.7)
        + b.line("M100 270c16 36 60 52 98 40", "#fff", 3, 0.12)
    )


def saute(b: Brush) -> str:
    """A straight-sided pan with a lid knob of iron."""
    return (
        b.line("M300 262C340 258 366 250 392 240", "#3a3733", 16, 1)
        + b.line("M100 262C84 258 74 256 66 262", "#3a3733", 14, 1)
        + b.piece("M84 236V322C84 346 96 356 116 358H284C304 356 316 346 316 322V236Z")
        + f'<ellipse cx="200" cy="236" rx="116" ry="24" fill="{b.light}"/><ellipse cx="200" cy="238" rx="106" ry="19" fill="#d9d9d4"/><ellipse cx="200" cy="243" rx="92" ry="13" fill="#a5a6a2"/>'
        + b.line("M106 262v60", "#fff", 8, 0.35)
        + b.line("M282 258v78", b.dark, 10, 0.35)
        + _dots([(306, 258), (306, 270), (94, 258)], 4, STEEL)
    )


def saucepan(b: Brush) -> str:
    """A small enamelled pan with a beech handle."""
    return (
        b.line("M286 232C330 222 360 206 388 190", WOOD, 18, 1)
        + b.line("M286 232l30-8", "#3a3733", 20, 1)
        + b.piece("M92 208V322C92 350 108 364 132 364H256C280 364 296 350 296 322V208Z")
        + '<ellipse cx="194" cy="208" rx="104" ry="23" fill="#2e2b29"/><ellipse cx="194" cy="206" rx="104" ry="23" fill="none" stroke="#2e2b29" stroke-width="6"/><ellipse cx="194" cy="211" rx="94" ry="17" fill="#f3ead8"/><ellipse cx="194" cy="216" rx="82" ry="11" fill="#fffaf0"/>'
        + b.plain("M84 210q8-16 24-16l-4 22q-12 6-20-6z", b.main)
        + b.line("M116 244v82", "#fff", 9, 0.3)
    )


def casserole(b: Brush) -> str:
    """Round, heavy, with a lid."""
    return (
        b.line("M84 268q-34 0-30 26h32M316 268q34 0 30 26h-32", b.dark, 13, 1)
        + b.piece("M76 250V326C76 354 96 368 124 368H276C304 368 324 354 324 326V250Z")
        + b.piece("M66 250C66 216 130 190 200 190S334 216 334 250Q334 258 322 258H78Q66 258 66 250Z", b.main)
        + b.line("M70 254Q200 274 330 254", b.dark, 4, 0.6)
        + b.line("M104 226q40-24 92-26", "#fff", 6, 0.4)
        + '<rect x="182" y="172" width="36" height="20" rx="8" fill="#b98d3e"/><rect x="176" y="160" width="48" height="18" rx="9" fill="#d0a758"/>'
        + b.line("M100 286v50", "#fff", 8, 0.28)
    )


def lamp(b: Brush) -> str:
    """A pleated shade on turned oak."""
    pleats = b.line("".join(f"M{154 + n * 10} 74L{112 + n * 19} 214" for n in range(1, 10)), b.dark, 1.8, 0.4)
    foot = (
        b.plain("M188 214h24l-4 30q26 12 22 44q-4 26-18 34v30h-24v-30q-14-8-18-34q-4-32 22-44z", WOOD)
        + b.plain("M134 352Q200 338 266 352Q270 372 258 372H142Q130 372 134 352Z", WOOD, "v")
        + b.line("M174 262q26 12 52 0M172 296q28 12 56 0", "#7d5a34", 2.5, 0.6)
    )
    return (
        f'<circle cx="200" cy="190" r="190" fill="url(#{b.prefix}g)"/>'
        + foot
        + b.piece("M150 74H250L292 214Q200 228 108 214Z")
        + pleats
        + b.line("M108 214Q200 228 292 214", b.dark, 5, 0.6)
        + b.line("M150 74h100", b.dark, 5, 0.6)
    )


def arclamp(b: Brush) -> str:
    """It leans in."""
    return (
        f'<circle cx="258" cy="196" r="160" fill="url(#{b.prefix}g)"/>'
        + b.line("M120 356C96 200 130 66 258 92", "#4a4a4c", 9, 1)
        + b.line("M120 356C96 200 130 66 258 92", "#fff", 2, 0.3)
        + b.piece("M206 180C206 130 226 100 262 100S322 130 322 180Z")
        + f'<ellipse cx="264" cy="180" rx="58" ry="12" fill="#fff0c4"/><ellipse cx="264" cy="180" rx="58" ry="12" fill="none" stroke="{b.dark}" stroke-width="3"/>'
        + b.plain("M62 352Q120 338 186 352Q190 372 178 372H72Q58 372 62 352Z", WOOD, "v")
        + b.line("M222 160c2-26 12-42 26-48", "#fff", 5, 0.35)
    )


def pebble(b: Brush) -> str:
    """A stone with a globe on it."""
    return (
        f'<circle cx="200" cy="190" r="180" fill="url(#{b.prefix}g)"/>'
        f'<circle cx="200" cy="206" r="82" fill="#fff6dd"/><circle cx="200" cy="206" r="82" fill="url(#{b.prefix}s)"/><path d="M140 176c8-22 24-36 46-42" stroke="#fff" stroke-width="9" fill="none" stroke-linecap="round" opacity=".9"/>'
        + b.piece("M92 332C84 292 130 268 200 268S322 290 310 332C304 360 260 372 200 372S98 362 92 332Z")
        + b.line("M118 320c6-18 30-30 60-34", "#fff", 6, 0.35)
        + _dots([(268, 338)], 8, BRASS)
    )


def pendant(b: Brush) -> str:
    """It hangs low over a table."""
    return (
        f'<circle cx="200" cy="290" r="170" fill="url(#{b.prefix}g)"/>'
        + b.line("M200 0V120", "#4b4036", 5, 1)
        + b.plain("M182 112h36v30h-36z", BRASS)
        + b.piece("M172 140H228C236 196 268 226 318 264H82C132 226 164 196 172 140Z")
        + f'<ellipse cx="200" cy="264" rx="118" ry="18" fill="#fff0c4"/><ellipse cx="200" cy="264" rx="118" ry="18" fill="none" stroke="{b.dark}" stroke-width="4"/><circle cx="200" cy="268" r="26" fill="#fffdf4"/>'
        + b.line("M176 160c-8 40-26 62-56 88", "#fff", 6, 0.35)
    )


def cushion(b: Brush) -> str:
    """Plump, with a dent where somebody sat."""
    shape = "M76 96C120 112 280 112 324 96C338 92 346 102 342 116C326 170 326 286 342 340C346 354 338 364 324 360C280 344 120 344 76 360C62 364 54 354 58 340C74 286 74 170 58 116C54 102 62 92 76 96Z"
    return (
        b.piece(shape)
        + b.line("M200 120c-6 20-4 34 0 46M150 130c0 16 4 26 12 34M250 130c0 16-4 26-12 34", b.dark, 4, 0.28)
        + b.line("M76 96C120 112 280 112 324 96M76 360C120 344 280 344 324 360", b.light, 3, 0.6)
        + b.line("M62 104l-8-12M338 104l8-12M62 352l-8 12M338 352l8 12", b.dark, 5, 0.6)
    )


def blanket(b: Brush) -> str:
    """Folded, the fringe to the front."""
    layers = (
        b.piece("M64 300Q58 334 72 346H332Q342 330 336 300Z")
        + b.piece("M60 250Q52 286 66 300H336Q348 284 340 250Z")
        + b.piece("M68 190Q48 216 62 250H340Q354 224 330 190Q200 174 68 190Z")
    )
    edges = b.line("M62 250H340M66 300H336", b.dark, 4, 0.45) + b.line("M68 190Q200 204 330 190", b.light, 3, 0.5)
    fringe = b.line("".join(f"M{x} 346v20" for x in range(78, 330, 9)), b.light, 3.5, 0.95)
    strap = (
        b.plain("M118 182h22v164h-22zM262 182h22v164h-22z", LEATHER)
        + b.line("M130 182c0-44 142-44 142 0", LEATHER, 13, 1)
        + _dots([(129, 262), (273, 262)], 6, BRASS)
        if b.pattern == "stripe"
        else ""
    )
    return layers + edges + fringe + strap


# Outdoor ----------------------------------------------------------------------------------------------------------------

_PEGS = "M22 372l-12 8M378 372l12 8"


def tent(b: Brush) -> str:
    """A ridge tent, open at the front."""
    return (
        b.line("M40 368L14 374M360 368l26 6M196 92l-30-22M250 92l24-22", "#5d5444", 3, 0.9)
        + b.piece("M196 92H252L366 368H290Z", b.dark, has_pattern=False)
        + b.piece("M196 92L40 368H290Z")
        + '<path d="M190 128L124 368H232Z" fill="#3b342a"/><path d="M190 128L158 244L124 368H144Z" fill="#f4e3b8" opacity=".55"/>'
        + b.plain("M190 128L124 368L92 368Q150 250 190 128Z", b.light)
        + b.plain("M190 128L232 368L262 368Q214 250 190 128Z", b.light)
        + b.line("M196 92V368", b.dark, 2, 0.25)
        + b.line("M252 92L366 368", b.light, 2, 0.4)
    )


def dome(b: Brush) -> str:
    """A geodesic dome."""
    return (
        b.piece("M34 368C40 220 110 128 200 128S360 220 366 368Z")
        + b.line(
            "M34 368C90 220 190 120 300 172M366 368C310 220 210 120 100 172M200 128C150 190 120 280 116 368M200 128c50 62 80 152 84 240",
            "#e8d9b0",
            5,
            0.9,
        )
        + b.plain("M150 368C152 290 172 240 200 232C228 240 248 290 250 368Z", "#3b342a")
        + b.plain("M150 368C152 290 172 240 200 232C196 280 190 330 188 368Z", b.light)
        + b.line("M22 372l16-8M378 372l-16-8", "#5d5444", 3, 0.9)
    )


def tarp(b: Brush) -> str:
    """A sail between two poles."""
    return (
        b.line("M72 150V368M330 172V368", WOOD, 8, 1)
        + b.line("M72 150L20 372M330 172L386 372M206 268L190 372", "#5d5444", 2.5, 0.8)
        + b.piece("M72 150Q200 176 330 172Q312 236 350 282Q200 260 42 292Q80 230 72 150Z")
        + b.line("M72 150Q190 220 350 282M330 172Q190 220 42 292", b.light, 2.5, 0.5)
        + _dots([(72, 150), (330, 172), (350, 282), (42, 292)], 5, BRASS)
    )


def bell(b: Brush) -> str:
    """A round tent with a pole in the middle."""
    panels = b.line("M200 76L110 290M200 76L160 296M200 76L240 296M200 76L290 290", b.dark, 2, 0.4)
    return (
        b.line("M200 76V52M40 280L8 372M360 280l32 92", "#5d5444", 3.5, 0.9)
        + b.piece("M50 282H350V368H50Z", b.light)
        + b.piece("M200 76C160 170 100 240 36 282Q200 306 364 282C300 240 240 170 200 76Z")
        + panels
        + '<path d="M200 120L158 368H242Z" fill="#4a3d2b"/><path d="M200 160L178 368H222Z" fill="#f6dfa3" opacity=".75"/>'
        + b.plain("M200 120L158 368H134Q184 240 200 120Z", b.light)
        + b.plain("M200 120L242 368H266Q216 240 200 120Z", b.light)
        + '<path d="M200 52l26 8-26 9z" fill="#b0572f"/>'
    )


def flask(b: Brush) -> str:
    """A steel flask with a cup for a lid."""
    return (
        b.plain("M160 60Q160 48 172 48H228Q240 48 240 60V122H160Z", STEEL)
        + b.line("M160 104h80M160 88h80", "#7d8080", 2, 0.5)
        + b.plain("M154 118h92v18h-92z", "#8d9192", "v")
        + b.piece("M150 136H250Q262 146 262 164V346Q262 372 240 372H160Q138 372 138 346V164Q138 146 150 136Z")
        + b.plain("M138 318h124v16H138z", b.light)
        + b.line("M160 166v170", "#fff", 10, 0.28)
        + '<path d="M200 214c14 10 20 24 16 42-10-2-20-12-20-24 0-8 2-14 4-18zM194 262c-2-10-10-16-20-18 0 12 8 20 20 18z" fill="#fff" opacity=".75"/>'
    )


def enamel(b: Brush) -> str:
    """Two mugs on two plates."""
    plates = f'<ellipse cx="200" cy="356" rx="172" ry="17" fill="{b.dark}"/><ellipse cx="200" cy="350" rx="172" ry="17" fill="{b.light}"/><ellipse cx="200" cy="344" rx="160" ry="15" fill="{b.dark}"/><ellipse cx="200" cy="339" rx="160" ry="15" fill="{b.light}"/>'
    rim = "".join(b.line(f"M{x} {y}h{w}", "#2d3a55", 6, 1) for x, y, w in ((66, 222, 120), (206, 238, 104)))
    return plates + _cup(b, 66, 222, 120, 116) + _cup(b, 206, 238, 104, 100) + rim


def lantern(b: Brush) -> str:
    """Glass, a guard and a small flame."""
    return (
        f'<circle cx="200" cy="240" r="170" fill="url(#{b.prefix}g)"/>'
        + b.line("M128 150C110 40 290 40 272 150", "#5d5a55", 5, 1)
        + b.plain("M166 118h68l12 36h-92z")
        + b.plain("M176 92h48v28h-48z", b.main)
        + b.line("M132 156V326M268 156V326", b.dark, 9, 1)
        + '<path d="M158 156h84c26 40 26 112 4 156h-92c-22-44-22-116 4-156z" fill="#fff1c9" opacity=".75"/><path d="M200 210c26 28 22 62 0 66-22-4-26-38 0-66z" fill="#f2a33a"/><path d="M200 238c12 14 10 30 0 34-10-4-12-20 0-34z" fill="#fff3c4"/>'
        + b.line("M142 200q58 16 116 0M142 262q58 16 116 0", "#5d5a55", 3, 0.8)
        + b.piece("M138 312H262L280 344Q282 372 262 372H138Q118 372 120 344Z")
        + b.line("M172 176c-8 30-8 70-2 104", "#fff", 5, 0.6)
    )


def backpack(b: Brush) -> str:
    """A day pack."""
    return (
        b.line("M164 78C164 36 236 36 236 78", b.dark, 11, 1)
        + b.plain("M100 210C72 216 68 290 78 340H104ZM300 210c28 6 32 80 22 130h-26z")
        + b.piece("M100 170C100 100 140 72 200 72S300 100 300 170V340Q300 372 268 372H132Q100 372 100 340Z")
        + b.line("M102 186C130 200 270 200 298 186", b.light, 4, 0.5)
        + b.plain("M120 244H280V330Q280 352 260 352H140Q120 352 120 330Z", b.main)
        + b.line("M120 244H280V330Q280 352 260 352H140Q120 352 120 330ZM122 262h156", b.dark, 3, 0.65)
        + b.plain("M176 118h48v62q-24 12-48 0z", LEATHER)
        + b.line("M250 262v18", BRASS, 5, 1)
        + _dots([(200, 160)], 5, BRASS)
        + b.line("M122 160c4-34 20-56 46-66", "#fff", 6, 0.25)
    )


def trekpack(b: Brush) -> str:
    """Fifty litres, a lid and a mat below it."""
    return (
        b.line("M168 58C168 26 232 26 232 58", b.dark, 9, 1)
        + b.plain("M104 160C80 170 78 260 84 316H112ZM296 160c24 10 26 100 20 156h-28z")
        + b.piece("M104 112H296V320Q296 340 270 340H130Q104 340 104 320Z")
        + b.piece("M96 122C96 76 140 54 200 54S304 76 304 122Q200 146 96 122Z", b.dark, has_pattern=False)
        + b.line("M140 134V322M260 134V322", "#e7d7ae", 7, 0.9)
        + _dots([(140, 196), (260, 196)], 6, SOLE)
        + b.plain("M164 180h72v104q-36 14-72 0z", b.light)
        + b.line("M164 200h72", b.dark, 3, 0.6)
        + '<rect x="82" y="330" width="236" height="42" rx="21" fill="#8d8a5c"/><circle cx="102" cy="351" r="19" fill="#6d6a42"/><circle cx="102" cy="351" r="10" fill="#8d8a5c"/><path d="M150 330v42M250 330v42" stroke="#3d3426" stroke-width="8"/>'
    )


def rolltop(b: Brush) -> str:
    """Rolled and buckled."""
    return (
        b.plain("M96 190C74 200 74 300 84 344H110ZM304 190c22 10 22 110 12 154h-26z")
        + b.piece("M102 130H298V342Q298 372 268 372H132Q102 372 102 342Z")
        + b.piece(
            "M94 84Q92 64 112 62H288Q308 64 306 84V120Q306 138 288 138H112Q94 138 94 120Z", b.dark, has_pattern=False
        )
        + b.line("M96 100H304M96 118H304", b.main, 3, 0.6)
        + b.line("M150 62V168M250 62V168", "#e7d7ae", 9, 0.9)
        + '<rect x="138" y="166" width="24" height="28" rx="5" fill="#2f2c28"/><rect x="238" y="166" width="24" height="28" rx="5" fill="#2f2c28"/>'
        + b.line("M126 250H274V340H126Z", b.dark, 3, 0.55)
        + b.line("M126 268H274", PAPER, 4, 0.8)
        + b.line("M124 150v196", "#fff", 7, 0.22)
    )


def tote(b: Brush) -> str:
    """A waxed tote with leather handles."""
    return (
        b.line("M138 176C130 40 210 40 206 176", LEATHER, 11, 1)
        + b.line("M196 168C196 50 268 50 262 168", "#6d4528", 9, 1)
        + b.piece("M76 168H324L342 352Q344 372 324 372H76Q56 372 58 352Z")
        + b.plain("M62 310L338 310L342 352Q344 372 324 372H76Q56 372 58 352Z")
        + b.line("M76 178H324", b.light, 3, 0.7)
        + b.plain("M126 166h24v56h-24zM194 166h24v56h-24z", LEATHER)
        + _dots([(138, 212), (206, 212)], 4, BRASS)
        + '<path d="M240 250c16 4 26 16 26 34-14 2-28-10-26-34z" fill="#fff" opacity=".5"/>'
    )


def beanie(b: Brush) -> str:
    """Ribbed, with a turned edge."""
    ribs = b.line(
        "".join(f"M200 90C{200 + (x - 200) * 0.6:.0f} 120 {x} 190 {x} 280" for x in range(100, 310, 20)),
        b.dark,
        2.5,
        0.35,
    )
    return (
        b.piece("M82 296C76 160 130 84 200 84S324 160 318 296Z")
        + ribs
        + b.piece(
            "M68 282Q200 262 332 282Q342 284 342 296V344Q342 358 330 360Q200 378 70 360Q58 358 58 344V296Q58 284 68 282Z"
        )
        + b.line("".join(f"M{x} 282v76" for x in range(78, 330, 16)), b.dark, 3, 0.35)
        + b.plain("M232 300h40v30h-40z", LEATHER)
    )


def sunhat(b: Brush) -> str:
    """A wide brim."""
    return (
        f'<ellipse cx="200" cy="318" rx="180" ry="46" fill="{b.dark}"/>'
        + b.piece("M20 308C20 276 100 262 200 262S380 276 380 308S300 350 200 350S20 340 20 308Z")
        + b.line("M40 308c20-22 90-32 160-32s140 10 160 32M66 316c26-16 80-24 134-24s108 8 134 24", b.dark, 2, 0.35)
        + b.piece("M106 292C104 200 130 150 200 150S296 200 294 292Q200 322 106 292Z")
        + b.line("M118 230q82 18 164 0M126 200q74 16 148 0M148 174q52 12 104 0", b.dark, 2, 0.35)
        + b.plain("M106 268Q200 296 294 268V294Q200 322 106 294Z", "#7d3918")
    )


def cap(b: Brush) -> str:
    """Six panels and a peak."""
    return (
        b.plain("M230 262C300 262 372 290 384 322C330 312 270 312 214 318Z", LEATHER)
        + b.piece("M60 316C52 200 110 140 190 140S302 206 298 284Q270 300 214 318Q120 332 60 316Z")
        + b.line(
            "M190 140C140 180 116 250 116 324M190 140c30 50 44 110 40 172M190 140C240 170 270 220 278 294",
            b.dark,
            3,
            0.5,
        )
        + b.line("M60 316Q130 332 214 318Q270 302 298 284", b.dark, 8, 0.6)
        + f'<circle cx="190" cy="140" r="9" fill="{b.dark}"/>'
        + _dots([(150, 214), (246, 214)], 4, BRASS)
    )


SHAPES: dict[str, Callable[[Brush], str]] = {
    shape.__name__: shape
    for shape in (
        sweater, rollneck, cardigan, vest, gilet, jacket, parka, coat, fieldjacket, shirt, bandshirt, dress, pinafore,
        sneaker, slipon, boot, chelsea, chukka, wellie, mug, tallmug, cups, bowl, pan, saute, saucepan, casserole,
        lamp, arclamp, pebble, pendant, cushion, blanket, tent, dome, tarp, bell, flask, enamel, lantern,
        backpack, trekpack, rolltop, tote, beanie, sunhat, cap,
    )
}  # fmt: skip
