# ruff: noqa: E501  (paths of drawings)
"""What does a product look like? A flat drawing of its shape in its own colour, as SVG."""

from footfall_shop.assortment import COLOURS, Product

# Each drawing stands on a 320 x 320 ground; a = main colour, d = darker, l = lighter, s = the soles and straps.
_SHAPES = {
    "sneaker": """
<path d="M58 196c0-22 8-44 14-58 4-9 14-10 20-3 10 12 26 18 44 12l8-3c6-2 12 0 16 5 22 26 52 36 84 41 16 3 22 14 22 28v4H58z" fill="{a}"/>
<path d="M58 196c0-22 8-44 14-58 4-9 14-10 20-3 4 5 9 9 15 11-6 22-8 46-7 76H58z" fill="{d}"/>
<path d="M146 150l40 34m-54-28l38 34m-52-30l34 32" stroke="{l}" stroke-width="7" stroke-linecap="round"/>
<path d="M196 184c20 12 36 16 50 18" stroke="{d}" stroke-width="5" fill="none" stroke-linecap="round"/>
<path d="M54 216h214c4 22-6 30-20 30H76c-16 0-24-12-22-30z" fill="{s}"/>
<path d="M62 232h200" stroke="{l}" stroke-width="4" opacity=".7"/>""",
    "boot": """
<path d="M98 66h84c4 0 7 3 7 7l3 74c1 16 12 24 30 30 26 8 38 18 38 40v11H98z" fill="{a}"/>
<path d="M98 66h40v162H98z" fill="{d}" opacity=".55"/>
<path d="M140 66h26l6 70c-10 10-20 10-30 0z" fill="{d}"/>
<path d="M96 64h90v18H96z" fill="{l}"/>
<path d="M192 176c-14 12-30 14-44 10" stroke="{d}" stroke-width="5" fill="none" stroke-linecap="round"/>
<path d="M92 228h170c3 0 5 2 5 5v13c0 4-3 7-7 7H148l-8-9H99c-4 0-7-3-7-7z" fill="{s}"/>""",
    "jacket": """
<path d="M128 66h64l52 28c8 4 12 10 14 18l18 92-34 10-18-58v100H96V156l-18 58-34-10 18-92c2-8 6-14 14-18z" fill="{a}"/>
<path d="M128 66c4 18 14 28 32 28s28-10 32-28l8 6c-4 30-20 42-40 42s-36-12-40-42z" fill="{d}"/>
<path d="M160 112v144" stroke="{l}" stroke-width="5" stroke-dasharray="10 6"/>
<path d="M110 196h34m32 0h34" stroke="{d}" stroke-width="9" stroke-linecap="round"/>
<path d="M96 242h128v14H96z" fill="{d}"/>""",
    "sweater": """
<path d="M130 74h60l48 24c8 4 12 10 14 18l20 88-36 10-16-52v92H100v-92l-16 52-36-10 20-88c2-8 6-14 14-18z" fill="{a}"/>
<path d="M130 74c2 16 12 26 30 26s28-10 30-26l10 4c-2 24-18 38-40 38s-38-14-40-38z" fill="{l}"/>
<path d="M120 132v96m20-92v92m20-88v88m20-92v92m20-96v96" stroke="{d}" stroke-width="5" stroke-dasharray="7 7" opacity=".7"/>
<path d="M100 236h120v18H100z" fill="{d}"/>
<path d="M52 194l35 10-4 12-35-10zM268 194l-35 10 4 12 35-10z" fill="{d}"/>""",
    "shirt": """
<path d="M126 68h68l50 26c8 4 11 9 13 17l12 56-34 10-13-40v119H98V137l-13 40-34-10 12-56c2-8 5-13 13-17z" fill="{a}"/>
<path d="M126 68l34 30 34-30 8 5-20 48-22-20-22 20-20-48z" fill="{l}"/>
<path d="M160 104v152" stroke="{d}" stroke-width="4"/>
<g fill="{d}"><circle cx="166" cy="134" r="4"/><circle cx="166" cy="166" r="4"/><circle cx="166" cy="198" r="4"/><circle cx="166" cy="230" r="4"/></g>
<path d="M182 140h28v24c0 8-28 8-28 0z" fill="{d}" opacity=".5"/>""",
    "mug": """
<path d="M206 122h26c22 0 34 16 34 38s-14 42-38 42h-22v-20h18c12 0 20-8 20-22 0-12-6-18-16-18h-22z" fill="{d}"/>
<path d="M84 92h128v132c0 18-12 28-28 28h-72c-16 0-28-10-28-28z" fill="{a}"/>
<path d="M84 92h128v52c-30 16-46-10-72 2-22 10-40 8-56-2z" fill="{l}"/>
<ellipse cx="148" cy="92" rx="64" ry="13" fill="{d}"/>
<path d="M124 66c-8-12 8-18 0-32m28 32c-8-12 8-18 0-32" stroke="{s}" stroke-width="5" fill="none" stroke-linecap="round" opacity=".35"/>""",
    "pan": """
<path d="M192 140l92-52c6-3 13-2 16 4 3 5 1 12-5 15l-91 53z" fill="{s}"/>
<ellipse cx="132" cy="176" rx="94" ry="72" fill="{d}"/>
<ellipse cx="132" cy="166" rx="94" ry="72" fill="{a}"/>
<ellipse cx="132" cy="168" rx="74" ry="55" fill="{d}"/>
<path d="M74 150c14-24 40-34 66-32" stroke="{l}" stroke-width="6" fill="none" stroke-linecap="round" opacity=".8"/>
<circle cx="286" cy="98" r="5" fill="{l}"/>""",
    "lamp": """
<path d="M122 62h76l38 92H84z" fill="{a}"/>
<path d="M122 62h30l-18 92H84z" fill="{l}" opacity=".6"/>
<path d="M84 154h152v10H84z" fill="{d}"/>
<path d="M152 164h16v74h-16z" fill="{s}"/>
<ellipse cx="160" cy="246" rx="56" ry="14" fill="{s}"/>
<path d="M196 164v40" stroke="{d}" stroke-width="3"/><circle cx="196" cy="208" r="5" fill="{d}"/>""",
    "cushion": """
<path d="M78 84c30 12 134 12 164 0 8-3 14 4 12 12-10 36-10 92 0 128 2 8-4 15-12 12-30-12-134-12-164 0-8 3-14-4-12-12 10-36 10-92 0-128-2-8 4-15 12-12z" fill="{a}"/>
<path d="M104 94c-6 44-6 88 0 132m38-128c-3 40-3 84 0 124m38-124c3 40 3 84 0 124m36-128c6 44 6 88 0 132" stroke="{d}" stroke-width="7" fill="none" opacity=".55"/>
<path d="M92 108c36 10 100 10 136 0" stroke="{l}" stroke-width="5" fill="none" opacity=".7"/>""",
    "tent": """
<path d="M160 74L40 244h240z" fill="{a}"/>
<path d="M160 74L40 244h68z" fill="{d}"/>
<path d="M160 74l52 170h-92z" fill="{l}" opacity=".85"/>
<path d="M160 74v170h-40z" fill="{d}" opacity=".8"/>
<path d="M160 74l-8-14m8 14l8-14" stroke="{s}" stroke-width="5" stroke-linecap="round"/>
<path d="M40 244l-16 10m256-10l16 10" stroke="{s}" stroke-width="4" stroke-linecap="round"/>""",
    "backpack": """
<path d="M124 84c0-44 72-44 72 0" stroke="{s}" stroke-width="11" fill="none"/>
<path d="M92 138c0-42 24-62 68-62s68 20 68 62v98c0 14-8 22-22 22h-92c-14 0-22-8-22-22z" fill="{a}"/>
<path d="M92 138c0-42 24-62 68-62s68 20 68 62v14H92z" fill="{d}"/>
<path d="M114 182h92v46c0 8-4 12-12 12h-68c-8 0-12-4-12-12z" fill="{l}"/>
<path d="M114 198h92" stroke="{d}" stroke-width="5"/>
<path d="M146 128h28v46h-28z" fill="{s}"/>
<path d="M92 168c-18 4-22 30-18 62h18zm136 0c18 4 22 30 18 62h-18z" fill="{d}"/>""",
    "hat": """
<circle cx="160" cy="72" r="20" fill="{l}"/>
<path d="M82 196c-4-78 32-112 78-112s82 34 78 112z" fill="{a}"/>
<path d="M118 96c-14 24-20 60-20 96m42-106c-6 30-8 68-8 106m48-106c6 30 8 68 8 106m14-96c14 24 20 60 20 96" stroke="{d}" stroke-width="5" fill="none" opacity=".6"/>
<rect x="72" y="188" width="176" height="46" rx="16" fill="{d}"/>
<path d="M96 192v38m22-38v38m22-38v38m22-38v38m22-38v38m22-38v38" stroke="{a}" stroke-width="5" opacity=".7"/>""",
}


def draw(product: Product) -> str:
    """The product's picture: SVG text, 320 x 320 units."""
    colour = COLOURS[product.colours[0]]
    colours = {"a": colour.main, "d": colour.dark, "l": colour.light, "s": "#3a3733"}
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 320"><rect width="320" height="320" fill="#f3eee4"/>'
        f'<ellipse cx="160" cy="262" rx="112" ry="12" fill="#e4dccb"/>'
        f"{_SHAPES.get(product.shape, _SHAPES['cushion']).format(**colours)}</svg>"
    )
