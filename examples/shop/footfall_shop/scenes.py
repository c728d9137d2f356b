# ruff: noqa: E501  (paths of drawings)
"""Where is it used? Rooms behind the products, and the wide pictures of the front page and the campaigns."""

from collections.abc import Callable
from functools import lru_cache
from random import Random

from footfall_shop.assortment import COLOURS, PRODUCTS
from footfall_shop.drawings import SHAPES, Brush

_BY_SLUG = {product.slug: product for product in PRODUCTS}


def _hall() -> str:
    """A hall with a rail, for clothes."""
    boards = "".join(
        f'<path d="M{x} 0V400" stroke="#cdb896" stroke-width="2" opacity=".5"/>' for x in range(0, 401, 50)
    )
    return f'<rect width="400" height="500" fill="#e6d6bd"/>{boards}<rect y="400" width="400" height="100" fill="#a98562"/><path d="M0 400H400M0 440H400M90 400V440M270 440V500" stroke="#7c5d40" stroke-width="2.5" opacity=".5"/><rect x="0" y="388" width="400" height="14" fill="#f4e9d6"/><rect x="20" y="54" width="360" height="18" rx="4" fill="#8a6544"/><g fill="#6d4d31"><circle cx="70" cy="66" r="9"/><circle cx="200" cy="66" r="9"/><circle cx="330" cy="66" r="9"/></g>'


def _doorstep() -> str:
    """A tiled doorstep with an open door, for shoes."""
    tiles = "".join(
        f'<path d="M{x} {y}l33 17-33 17-33-17z" fill="{"#cdb79a" if (x // 33 + y // 17) % 4 else "#b08f6d"}" opacity=".75"/>'
        for y in range(352, 520, 34) for x in range(0, 434, 66)
    )  # fmt: skip
    return f'<rect width="400" height="500" fill="#dfe0d2"/><rect x="230" y="20" width="150" height="340" fill="#4f6b58"/><path d="M250 44h110v120H250zM250 184h110v150H250z" fill="none" stroke="#3a5243" stroke-width="5"/><circle cx="246" cy="200" r="6" fill="#c99f4b"/><rect y="352" width="400" height="148" fill="#e3d3bb"/>{tiles}<rect y="344" width="400" height="12" fill="#f6efe0"/><path d="M60 344V250q-30-20-26-60 30 6 34 44 6-50 40-62 4 46-32 70v102z" fill="#6c7a4a"/><path d="M30 344l8-54h56l8 54z" fill="#b0572f"/>'


def _kitchen() -> str:
    """A worktop below a window."""
    return '<rect width="400" height="500" fill="#e9ddc4"/><g stroke="#d3c19e" stroke-width="2" opacity=".8"><path d="M0 300H400M0 340H400M0 380H400M60 260V300M140 260V300M220 260V300M300 260V300M380 260V300M20 300V340M100 300V340M180 300V340M260 300V340M340 300V340M60 340V380M140 340V380M220 340V380M300 340V380M380 340V380"/></g><rect x="50" y="30" width="300" height="230" fill="#fbf7ec"/><rect x="62" y="42" width="276" height="206" fill="#cfe0dc"/><path d="M62 248V190Q120 150 180 190T338 170V248Z" fill="#9db08a"/><path d="M62 248V216Q150 190 220 220T338 210V248Z" fill="#7d946f"/><circle cx="276" cy="92" r="22" fill="#fbe6b0"/><path d="M200 42V248M62 146H338" stroke="#fbf7ec" stroke-width="9"/><rect y="404" width="400" height="96" fill="#b88c5e"/><rect y="396" width="400" height="14" fill="#d6ad7c"/><path d="M40 430h120M200 452h150M90 474h100" stroke="#8b6238" stroke-width="3" opacity=".4" stroke-linecap="round"/>'


def _living() -> str:
    """A corner with a picture and a low bench."""
    return '<rect width="400" height="500" fill="#d9d5bf"/><path d="M0 0H400V330H0Z" fill="#d5d0b6"/><path d="M260 0L400 0V330L330 330Z" fill="#fff4d2" opacity=".4"/><rect x="44" y="50" width="120" height="150" fill="#fbf6ea" stroke="#7b5a41" stroke-width="7"/><path d="M56 188V150q24-34 48-6t50-18v62z" fill="#6c8a74"/><circle cx="124" cy="96" r="16" fill="#cf7f4f"/><rect y="330" width="400" height="170" fill="#b9936a"/><path d="M0 378H400M0 430H400M120 330V378M290 378V430M80 430V500" stroke="#8c6742" stroke-width="2.5" opacity=".45"/><ellipse cx="200" cy="460" rx="220" ry="48" fill="#a65a3c" opacity=".55"/><ellipse cx="200" cy="460" rx="180" ry="36" fill="none" stroke="#e8cfa4" stroke-width="4" opacity=".6"/><path d="M300 330q-30-90 8-150 22 50 10 80 30-50 60-52 0 60-46 90 6 16 0 32z" fill="#5d7550"/><path d="M286 330h64l-8 62h-48z" fill="#e9e2d3"/>'


def _lakeside() -> str:
    """Hills, water and a meadow."""
    pines = "".join(
        f'<path d="M{x} {y}l{w} {w * 2.6}h-{2 * w}z" fill="#4c6a56"/>'
        for x, y, w in ((30, 190, 15), (58, 206, 12), (352, 180, 17), (384, 200, 13), (322, 212, 10))
    )
    tufts = "".join(
        f'<path d="M{x} {y}q2-12-4-18M{x} {y}q0-14 6-20" stroke="#5d6f3c" stroke-width="2.5" fill="none"/>'
        for x, y in ((40, 430), (120, 480), (330, 440), (372, 484), (20, 484), (250, 492))
    )
    return f'<linearGradient id="sky" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="#f5d9b4"/><stop offset="1" stop-color="#e9e6d0"/></linearGradient><rect width="400" height="500" fill="url(#sky)"/><circle cx="286" cy="120" r="34" fill="#fff3d4"/><path d="M0 220Q70 130 150 190T300 160T400 190V260H0Z" fill="#a9b5a3"/><path d="M0 240Q100 180 200 224T400 214V270H0Z" fill="#7f9583"/>{pines}<rect y="256" width="400" height="70" fill="#b8cdc9"/><path d="M20 276h90M180 290h130M60 306h70" stroke="#fff" stroke-width="3" opacity=".5" stroke-linecap="round"/><path d="M0 324Q200 296 400 330V500H0Z" fill="#93a065"/><path d="M0 396Q200 366 400 404V500H0Z" fill="#7c8b52"/>{tufts}'


_HANGING = {
    "sweater",
    "rollneck",
    "cardigan",
    "vest",
    "gilet",
    "jacket",
    "parka",
    "coat",
    "fieldjacket",
    "shirt",
    "bandshirt",
    "dress",
    "pinafore",
}
_ROOMS: dict[str, Callable[[], str]] = {
    "shoes": _doorstep,
    "clothing": _hall,
    "kitchen": _kitchen,
    "living": _living,
    "camping": _lakeside,
    "bags": _doorstep,
}


def room_of(category: str) -> str:
    """The room behind things of a section, SVG of 400 x 500 units."""
    department, group, *_ = category.split("/")
    return _lakeside() if department == "outdoor" and group == "clothing" else _ROOMS[group]()


HANGER = '<path d="M200 72V100Q200 108 192 112L132 146M200 106L268 146" stroke="#5b4430" stroke-width="6" fill="none" stroke-linecap="round"/>'


def is_hung(shape: str) -> bool:
    """Whether it hangs from the rail of its room."""
    return shape in _HANGING


def place_in(shape: str, category: str) -> tuple[float, int, int]:
    """Size, left and top at which a drawing stands in its room."""
    if shape in _HANGING:
        return 0.86, 28, 60
    if shape == "pendant":
        return 0.7, 60, 0
    group = category.split("/")[1]
    if category.endswith("hats"):
        return 0.62, 76, 200
    return {
        "shoes": (0.72, 30, 182),
        "kitchen": (0.6, 80, 206),
        "living": (0.66, 66, 188),
        "camping": (0.74, 52, 156),
    }.get(group, (0.66, 40, 206))


# Wide pictures, 1200 x 800 ----------------------------------------------------------------------------------------------


class _Stage:
    """Collects drawings of products, each with ids of its own."""

    def __init__(self) -> None:
        self.defs: list[str] = []

    def put(
        self, slug: str, x: float, y: float, size: float, colour: str = "", *, turn: float = 0, has_shadow: bool = True
    ) -> str:
        """The drawing of a product whose feet stand at ``y``; ``x`` is its middle."""
        product = _BY_SLUG[slug]
        brush = Brush(COLOURS[colour or product.colours[0]], product.pattern, f"q{len(self.defs)}")
        self.defs.append(brush.defs())
        shadow = '<ellipse cx="200" cy="374" rx="165" ry="12" fill="#2a1d0c" opacity=".2"/>' if has_shadow else ""
        return f'<g transform="translate({x - 200 * size:.1f} {y - 372 * size:.1f}) scale({size}) rotate({turn} 200 200)">{shadow}{SHAPES[product.shape](brush)}</g>'


def _finch(x: float, y: float, size: float, *, is_facing_left: bool = False) -> str:
    flip = -size if is_facing_left else size
    return f'<g transform="translate({x} {y}) scale({flip} {size})"><path d="M-58 34L-104 62L-96 40L-112 36L-62 14Z" fill="#4b3a2e"/><path d="M-66 22C-60-18-20-40 18-40C46-40 62-24 60-4C58 34 20 56-20 52C-46 50-62 40-66 22Z" fill="#b0572f"/><path d="M58-6C56 32 20 56-20 52C4 44 22 26 26 0C34-14 52-18 58-6Z" fill="#e6a678"/><path d="M18-40C46-40 62-24 60-6C52-20 34-14 26-2C10-14-6-22-22-28Q-4-40 18-40Z" fill="#566679"/><path d="M58-14L82-4L58 4Z" fill="#d6b06a"/><circle cx="42" cy="-16" r="5.5" fill="#1d1712"/><circle cx="44" cy="-18" r="1.8" fill="#fff"/><path d="M-62 18C-40-10-6-8 12 6C-2 30-34 40-62 18Z" fill="#3d3128"/><path d="M-40 10q22-6 40 0M-48 20q24 0 44-4" stroke="#f4ead6" stroke-width="5" fill="none" stroke-linecap="round"/><path d="M-6 52v18M12 48v20" stroke="#4b3a2e" stroke-width="4" stroke-linecap="round"/></g>'


def _leaf(x: float, y: float, size: float, turn: float, fill: str) -> str:
    return f'<g transform="translate({x:.0f} {y:.0f}) rotate({turn:.0f}) scale({size:.2f})"><path d="M0 0C-26-16-30-48 0-74C30-48 26-16 0 0Z" fill="{fill}"/><path d="M0 8V-66M0-16L-14-30M0-16L14-30M0-34L-13-48M0-34L13-48" stroke="#fff" stroke-width="2" opacity=".35" fill="none"/></g>'


def _hills(sky: tuple[str, str], tones: tuple[str, ...], sun: tuple[int, int, int, str]) -> str:
    x, y, r, fill = sun
    parts = [
        f'<linearGradient id="sky" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="{sky[0]}"/><stop offset="1" stop-color="{sky[1]}"/></linearGradient><rect width="1200" height="800" fill="url(#sky)"/><circle cx="{x}" cy="{y}" r="{r * 2.2}" fill="{fill}" opacity=".25"/><circle cx="{x}" cy="{y}" r="{r}" fill="{fill}"/>'
    ]
    for n, tone in enumerate(tones):
        top = 360 + 74 * n
        parts.append(
            f'<path d="M0 {top + 30 * (n % 2)}C200 {top - 90 + 40 * n} 340 {top + 60} 560 {top}S960 {top - 80 + 30 * n} 1200 {top + 20}V800H0Z" fill="{tone}"/>'
        )
    return "".join(parts)


def _tree(x: float, y: float, size: float, fill: str, trunk: str = "#5b4634") -> str:
    return f'<g transform="translate({x} {y}) scale({size})"><path d="M-5 0L-3-120L3-120L6 0Z" fill="{trunk}"/><path d="M0-60L22-92M0-80L-20-106" stroke="{trunk}" stroke-width="4"/><path d="M0-236C46-220 66-176 54-134C46-104 22-92 0-92S-46-104-54-134C-66-176-46-220 0-236Z" fill="{fill}"/><path d="M0-236C46-220 66-176 54-134C46-104 22-92 0-92C30-130 34-190 0-236Z" fill="#1b1206" opacity=".13"/></g>'


def _home(stage: _Stage) -> str:
    """An alder branch with a finch before autumn hills."""
    random = Random(4)
    ground = _hills(("#f3dcbc", "#f6ecd9"), ("#d3c3a0", "#b9ad82", "#94956a", "#6f7a50"), (820, 250, 74, "#fff4da"))
    trees = "".join(
        _tree(x, y, s, fill)
        for x, y, s, fill in (
            (90, 560, 0.9, "#b0572f"),
            (170, 584, 1.1, "#cf9b3e"),
            (330, 540, 0.7, "#8f9a58"),
            (980, 590, 1.15, "#b96d35"),
            (1090, 560, 0.9, "#cf9b3e"),
            (1160, 606, 1.2, "#7d8a4e"),
            (620, 566, 0.6, "#c98a3c"),
        )
    )
    branch = '<path d="M1230 96C1040 150 940 260 760 300C640 326 520 300 430 340" stroke="#4b3728" stroke-width="17" fill="none" stroke-linecap="round"/><path d="M900 254C860 220 850 180 862 130M700 312C660 350 640 392 640 440M1040 180c30 40 32 80 20 130" stroke="#4b3728" stroke-width="9" fill="none" stroke-linecap="round"/>'
    spots = [
        (862, 130, 0.95, -8),
        (820, 190, 0.8, -50),
        (640, 446, 1, 178),
        (600, 404, 0.8, 220),
        (690, 400, 0.8, 140),
        (430, 340, 0.95, 262),
        (470, 296, 0.75, 320),
        (500, 350, 0.75, 210),
        (1060, 316, 1, 176),
        (1104, 270, 0.8, 130),
        (1000, 240, 0.85, 215),
        (960, 180, 0.9, -22),
        (1080, 108, 0.9, -35),
        (780, 330, 0.8, 160),
        (1160, 150, 0.9, 168),
    ]
    leaves = "".join(
        _leaf(x, y, s, turn, random.choice(("#6f7f45", "#8b9a54", "#c98a3c", "#b0572f"))) for x, y, s, turn in spots
    )
    cones = "".join(
        f'<ellipse cx="{x}" cy="{y}" rx="9" ry="13" fill="#5b4129"/><path d="M{x - 8} {y - 4}h16M{x - 8} {y + 4}h16" stroke="#3c2a19" stroke-width="2"/>'
        for x, y in ((734, 336), (752, 342), (920, 274), (936, 268))
    )
    still = (
        stage.put("lough-throw", 250, 770, 0.6)
        + stage.put("stone-mug", 420, 772, 0.34)
        + stage.put("ridge-boot", 930, 778, 0.6)
        + stage.put("day-pack-20", 1090, 780, 0.62, "ochre")
    )
    return (
        ground
        + trees
        + '<path d="M0 690Q600 640 1200 700V800H0Z" fill="#56633d"/>'
        + branch
        + leaves
        + cones
        + _finch(770, 234, 1.08, is_facing_left=True)
        + still
    )


def _autumn(stage: _Stage) -> str:
    """Leaves come down."""
    random = Random(11)
    ground = _hills(("#ecc998", "#f7e8cc"), ("#cfa56a", "#b3783f", "#8d5a33"), (260, 230, 66, "#fff0cf"))
    trees = "".join(
        _tree(x, y, s, fill)
        for x, y, s, fill in (
            (80, 620, 1.5, "#a8482a"),
            (240, 590, 1.1, "#cf9b3e"),
            (420, 570, 0.8, "#b96d35"),
            (940, 600, 1.2, "#b0572f"),
            (1110, 640, 1.7, "#cf9b3e"),
            (760, 566, 0.75, "#97702f"),
        )
    )
    leaves = "".join(
        _leaf(
            random.uniform(0, 1200),
            random.uniform(30, 760),
            random.uniform(0.25, 0.6),
            random.uniform(0, 360),
            random.choice(("#a8482a", "#cf9b3e", "#b96d35", "#8f9a58")),
        )
        for _ in range(46)
    )
    floor = '<path d="M0 680Q600 630 1200 690V800H0Z" fill="#6b4527"/>'
    return (
        ground
        + trees
        + floor
        + leaves
        + stage.put("puddle-boot", 420, 770, 0.62)
        + stage.put("picnic-blanket", 700, 778, 0.66)
        + stage.put("espresso-pair", 890, 770, 0.3)
    )


def _knitwear(stage: _Stage) -> str:
    """Jumpers on a rail."""
    boards = "".join(
        f'<path d="M{x} 0V640" stroke="#c9b48f" stroke-width="3" opacity=".45"/>' for x in range(0, 1201, 80)
    )
    rail = '<rect x="60" y="96" width="1080" height="22" rx="6" fill="#7b5a41"/>' + "".join(
        f'<path d="M{x} 110v24M{x - 52} 182Q{x} 112 {x + 52} 182" stroke="#5b4430" stroke-width="6" fill="none" stroke-linecap="round"/>'
        for x in (190, 464, 738, 1012)
    )
    floor = '<rect y="640" width="1200" height="160" fill="#a98562"/><path d="M0 700H1200M240 640V700M620 700V800M900 640V700" stroke="#7c5d40" stroke-width="3" opacity=".45"/><rect y="628" width="1200" height="16" fill="#f4e9d6"/>'
    hung = "".join(
        stage.put(slug, x, 476, 0.98, has_shadow=False)
        for slug, x in (
            ("fair-isle-yoke", 190),
            ("fisher-rib", 464),
            ("orchard-cardigan", 738),
            ("skipper-jumper", 1012),
        )
    )
    return (
        '<rect width="1200" height="800" fill="#e6d6bd"/>'
        + boards
        + floor
        + rail
        + hung
        + '<path d="M170 680L160 790M1030 680L1040 790" stroke="#6d4d31" stroke-width="20"/><rect x="110" y="656" width="980" height="28" rx="6" fill="#8a6544"/><rect x="110" y="656" width="980" height="10" rx="5" fill="#a57e58"/>'
        + stage.put("lough-throw", 290, 658, 0.46)
        + stage.put("wool-beanie", 560, 658, 0.36)
        + stage.put("watch-cap", 730, 658, 0.36)
        + stage.put("ridge-boot", 930, 658, 0.42)
    )


def _lake(stage: _Stage) -> str:
    """A tent at night."""
    random = Random(7)
    stars = "".join(
        f'<circle cx="{random.uniform(0, 1200):.0f}" cy="{random.uniform(0, 340):.0f}" r="{random.choice((1.2, 1.8, 2.6))}" fill="#fff3d4" opacity="{random.uniform(0.4, 1):.1f}"/>'
        for _ in range(90)
    )
    pines = "".join(
        f'<path d="M{x} {y}l{w} {w * 2.8:.0f}h-{2 * w}zM{x} {y + w}l{w * 1.25:.0f} {w * 2.6:.0f}h-{w * 2.5:.0f}z" fill="{fill}"/>'
        for x, y, w, fill in (
            (60, 300, 50, "#1f3438"),
            (150, 350, 40, "#24403f"),
            (1130, 290, 54, "#1f3438"),
            (1040, 350, 40, "#24403f"),
            (960, 388, 30, "#2a4a48"),
            (250, 392, 28, "#2a4a48"),
        )
    )
    return (
        '<linearGradient id="sky" x1="0" x2="0" y1="0" y2="1"><stop offset="0" stop-color="#1b2a41"/><stop offset=".6" stop-color="#46596b"/><stop offset="1" stop-color="#d79a6a"/></linearGradient><rect width="1200" height="560" fill="url(#sky)"/>' + stars
        + '<circle cx="900" cy="150" r="46" fill="#fdf3d6"/><circle cx="918" cy="140" r="40" fill="#2d3e55" opacity=".22"/><path d="M0 440Q160 320 340 400T700 370T1000 400T1200 360V520H0Z" fill="#33505a"/><path d="M0 470Q200 400 420 450T860 430T1200 450V540H0Z" fill="#27414a"/>' + pines
        + '<rect y="500" width="1200" height="150" fill="#5d7682"/><path d="M820 510h160M850 530h100M838 556h124M868 580h64" stroke="#fdf3d6" stroke-width="5" stroke-linecap="round" opacity=".6"/><path d="M60 530h160M380 560h220M160 590h120" stroke="#fff" stroke-width="3" opacity=".25" stroke-linecap="round"/>'
        '<path d="M0 610Q500 560 1200 624V800H0Z" fill="#3d4d36"/><path d="M0 700Q600 650 1200 712V800H0Z" fill="#2f3d2b"/>'
        + stage.put("lake-tent", 420, 730, 1.05, "ochre") + stage.put("storm-lantern", 690, 752, 0.42) + stage.put("enamel-set", 850, 766, 0.36) + stage.put("day-flask", 960, 764, 0.42, "ochre")
    )  # fmt: skip


def _table(stage: _Stage) -> str:
    """A kitchen table in the morning."""
    return (
        '<rect width="1200" height="800" fill="#eee2ca"/><path d="M820 0L1200 0V560L1010 560Z" fill="#fff6da" opacity=".6"/><rect x="150" y="60" width="440" height="400" fill="#fbf7ec"/><rect x="168" y="78" width="404" height="364" fill="#d3e3df"/><path d="M168 442V340Q260 270 350 340T572 310V442Z" fill="#a4b591"/><path d="M168 442V384Q300 340 400 390T572 376V442Z" fill="#7f9670"/><circle cx="480" cy="160" r="34" fill="#fdebb9"/><path d="M370 78V442M168 260H572" stroke="#fbf7ec" stroke-width="14"/><path d="M150 60Q130 260 170 470L110 470Q96 240 110 50H640Q650 240 636 470L576 470Q610 260 590 60Z" fill="#d9a58a" opacity=".5"/>'
        '<rect x="720" y="300" width="420" height="16" fill="#8a6544"/><path d="M750 316v34M1110 316v34" stroke="#6d4d31" stroke-width="10"/>'
        + stage.put("tide-mug", 790, 300, 0.3, has_shadow=False) + stage.put("forest-mug", 890, 300, 0.3, has_shadow=False) + stage.put("espresso-pair", 985, 300, 0.28, has_shadow=False) + stage.put("breakfast-bowl", 1080, 300, 0.26, has_shadow=False)
        + '<rect y="590" width="1200" height="210" fill="#b88c5e"/><rect y="576" width="1200" height="22" fill="#d6ad7c"/><path d="M80 650h300M520 690h360M940 640h200M200 740h260" stroke="#8b6238" stroke-width="4" opacity=".35" stroke-linecap="round"/>'
        + stage.put("casserole", 300, 710, 0.72) + stage.put("stone-mug", 560, 736, 0.5) + stage.put("milk-pan", 760, 720, 0.56) + stage.put("dusk-lamp", 1010, 726, 0.78)
    )  # fmt: skip


def _parcels(stage: _Stage) -> str:
    """Presents, wrapped in paper."""

    def parcel(x: int, y: int, w: int, h: int, paper: str, ribbon: str) -> str:
        mid = x + w // 2
        return f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6" fill="{paper}"/><rect x="{x + w * 0.7:.0f}" y="{y}" width="{w * 0.3:.0f}" height="{h}" rx="6" fill="#1b1206" opacity=".08"/><rect x="{mid - 11}" y="{y}" width="22" height="{h}" fill="{ribbon}"/><path d="M{mid} {y}C{mid - 70} {y - 60} {mid - 90} {y + 6} {mid} {y}C{mid + 90} {y + 6} {mid + 70} {y - 60} {mid} {y}Z" fill="none" stroke="{ribbon}" stroke-width="13"/>'

    return (
        '<rect width="1200" height="800" fill="#dfe3d3"/><circle cx="880" cy="300" r="230" fill="#edeedd"/><rect y="620" width="1200" height="180" fill="#c9b48f"/>'
        + _leaf(130, 300, 1.3, 30, "#8b9a54") + _leaf(1080, 240, 1.2, -30, "#c98a3c") + _leaf(620, 170, 1, 10, "#b0572f")
        + stage.put("dusk-lamp", 250, 690, 0.9) + parcel(420, 470, 260, 220, "#b0572f", "#f4e3b8") + parcel(720, 520, 200, 170, "#47705a", "#e9e2d3") + parcel(500, 350, 150, 120, "#e9e2d3", "#98333a")
        + stage.put("stone-mug", 990, 690, 0.44) + stage.put("wool-beanie", 820, 520, 0.34, has_shadow=False) + _finch(560, 306, 0.5)
    )  # fmt: skip


SCENES: dict[str, Callable[[_Stage], str]] = {
    "home": _home, "autumn": _autumn, "knitwear": _knitwear, "lake": _lake, "kitchen": _table, "gifts": _parcels,
}  # fmt: skip
"""Wide pictures by name."""


@lru_cache(maxsize=16)
def paint(name: str) -> str:
    """A wide picture, SVG of 1200 x 800 units."""
    stage = _Stage()
    drawn = SCENES[name](stage)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800" width="1200" height="800" preserveAspectRatio="xMidYMid slice"><defs>{"".join(stage.defs)}</defs>{drawn}</svg>'
