# ruff: noqa: E501  (rows of a table read better unbroken)
"""What is on the shelves? The shop's sections, its products with everything a page says of them, and its campaigns.

A plain table, so that somebody who sells other things changes this file and nothing else.
"""

from dataclasses import dataclass

CURRENCY = "USD"
BRAND = "Alder & Finch"


@dataclass(frozen=True)
class Colour:
    """A colour way: what it is called, and the three tones it is drawn in."""

    name: str
    main: str
    dark: str
    light: str


@dataclass(frozen=True)
class Section:
    """A node of the shop. ``path`` has one to three levels; the rest holds for the products of a lowest one."""

    path: str
    title: str
    lead: str
    sizes: tuple[str, ...] = ()
    care: str = ""
    made_in: str = ""


@dataclass(frozen=True)
class Product:
    """One thing on sale. ``category`` is a section's path, prices are in ``CURRENCY``, ``shape`` says how it is drawn.

    ``regular_price`` is set while it is reduced. ``stock`` counts pieces; at 0 it is sold out. ``colours`` are keys of
    ``COLOURS``, the first is the one in pictures of lists.
    """

    slug: str
    name: str
    category: str
    price: float
    regular_price: float | None
    shape: str
    pattern: str
    colours: tuple[str, ...]
    about: str
    material: str
    rating: float
    n_reviews: int
    stock: int
    sizes: tuple[str, ...] = ()
    care: str = ""
    made_in: str = ""
    is_new: bool = False

    @property
    def sku(self) -> str:
        """The number on its box."""
        return f"AF-{sum(ord(letter) * place for place, letter in enumerate(self.slug, 7)) % 90_000 + 10_000}"

    @property
    def path(self) -> str:
        """Its page."""
        return f"/{self.category}/{self.slug}"

    @property
    def is_available(self) -> bool:
        """Whether it can be bought today."""
        return self.stock > 0

    @property
    def percent_off(self) -> int:
        """By how much it is reduced, whole percent; 0 if it isn't."""
        return round(100 * (1 - self.price / self.regular_price)) if self.regular_price else 0


@dataclass(frozen=True)
class Campaign:
    """A landing page: what it says, what it shows, and the code that goes with it, if one does."""

    name: str
    title: str
    eyebrow: str
    lead: str
    scene: str
    slugs: tuple[str, ...]
    code: str = ""

    @property
    def path(self) -> str:
        """Its page."""
        return f"/campaign/{self.name}"


COLOURS: dict[str, Colour] = {
    "ink": Colour("Ink", "#34415a", "#202a3d", "#71819f"),
    "navy": Colour("Navy", "#2c4a6e", "#1b304b", "#6d8db4"),
    "slate": Colour("Slate", "#6c7a85", "#46525c", "#a9b5be"),
    "charcoal": Colour("Charcoal", "#4a4a4c", "#2d2d30", "#86868a"),
    "moss": Colour("Moss", "#6c7a4a", "#475231", "#a5b07f"),
    "fern": Colour("Fern", "#47705a", "#2c4c3b", "#86ab95"),
    "lichen": Colour("Lichen", "#a3ab88", "#757d5c", "#cfd5b9"),
    "sky": Colour("Sky", "#7fa3b8", "#53788e", "#bcd3df"),
    "tide": Colour("Tide", "#3f7c86", "#27545c", "#86b6bd"),
    "rust": Colour("Rust", "#b0572f", "#7d3918", "#d99670"),
    "clay": Colour("Clay", "#c1825f", "#8f5738", "#e2b79c"),
    "ochre": Colour("Ochre", "#cf9b3e", "#99691c", "#ecca86"),
    "cherry": Colour("Cherry", "#98333a", "#6a1f27", "#c97a7c"),
    "plum": Colour("Plum", "#6f4560", "#4a2a40", "#a8809a"),
    "rose": Colour("Rose", "#c98f8c", "#9a605f", "#e7c4c0"),
    "oat": Colour("Oat", "#d8c6a4", "#ab9670", "#efe4cd"),
    "chalk": Colour("Chalk", "#e9e2d3", "#bfb49d", "#fbf8f1"),
    "sand": Colour("Sand", "#c4a77d", "#917650", "#e2cfb0"),
    "walnut": Colour("Walnut", "#7b5a41", "#523826", "#b08d70"),
    "copper": Colour("Copper", "#c07a4e", "#8b4d28", "#e8b48e"),
    "iron": Colour("Iron", "#3d4043", "#25282a", "#7c8185"),
}

_SHOES_WOMEN = ("36", "37", "38", "39", "40", "41", "42")
_SHOES_MEN = ("40", "41", "42", "43", "44", "45", "46")
_CLOTHES = ("XS", "S", "M", "L", "XL")
_HEADS = ("S/M", "L/XL")

_SHOE_CARE = "Brush off dry mud, wipe with a damp cloth, let it dry away from the radiator. We resole it for $45."
_WOOL_CARE = "Air it more than you wash it. Cold wool cycle, dry flat. Free darning for the first five years."
_SHELL_CARE = "Wash at 30 °C without softener, tumble on low for ten minutes to wake the water repellency."

SECTIONS: tuple[Section, ...] = (
    Section("women", "Women", "Clothes and shoes for long days and short notice, cut to be worn for years."),
    Section("women/shoes", "Shoes", "Soles you can replace on uppers you won't want to."),
    Section("women/shoes/sneakers", "Sneakers", "Light, washable and resoleable.", _SHOES_WOMEN, _SHOE_CARE, "Portugal"),
    Section("women/shoes/boots", "Boots", "Welted, waxed and ready for November.", _SHOES_WOMEN, _SHOE_CARE, "Spain"),
    Section("women/clothing", "Clothing", "Natural fibres, honest seams, pockets that hold things."),
    Section("women/clothing/jackets", "Jackets", "For wind, drizzle and the walk home.", _CLOTHES, _SHELL_CARE, "Estonia"),
    Section("women/clothing/knitwear", "Knitwear", "Wool from farms we have been to.", _CLOTHES, _WOOL_CARE, "Scotland"),
    Section("women/clothing/dresses", "Dresses", "One piece and you are dressed.", _CLOTHES,
            "Wash at 30 °C, hang to dry. Linen likes to be ironed damp, or not at all.", "Lithuania"),
    Section("men", "Men", "A small wardrobe in which everything goes with everything."),
    Section("men/shoes", "Shoes", "Two or three good pairs are enough."),
    Section("men/shoes/sneakers", "Sneakers", "Quiet shoes for every day.", _SHOES_MEN, _SHOE_CARE, "Portugal"),
    Section("men/shoes/boots", "Boots", "Made to be repaired.", _SHOES_MEN, _SHOE_CARE, "Spain"),
    Section("men/clothing", "Clothing", "Dense cotton, dry wax, soft wool."),
    Section("men/clothing/jackets", "Jackets", "Four pockets, one jacket, every weather.", _CLOTHES, _SHELL_CARE, "Estonia"),
    Section("men/clothing/shirts", "Shirts", "They get better each wash.", _CLOTHES,
            "Wash at 40 °C and hang it on a good hanger. The iron is up to you.", "Portugal"),
    Section("men/clothing/knitwear", "Knitwear", "Heavy where it matters, soft at the collar.", _CLOTHES, _WOOL_CARE, "Scotland"),
    Section("house", "House", "Things for the kitchen table and the chair beside the window."),
    Section("house/kitchen", "Kitchen", "Tools that the next cook will thank you for."),
    Section("house/kitchen/mugs", "Mugs", "Thrown by hand in three small potteries.",
            care="Dishwasher and microwave are fine. Sudden cold is not.", made_in="Germany"),
    Section("house/kitchen/pans", "Pans", "Iron, copper and enamel for the next forty years.",
            care="Wipe while warm, dry well, a drop of oil now and then.", made_in="France"),
    Section("house/living", "Living", "Warm light, and something to lean on."),
    Section("house/living/lamps", "Lamps", "Light you can find in the dark.",
            care="Dust with a dry brush. Takes any E27 bulb up to 40 W.", made_in="Denmark"),
    Section("house/living/cushions", "Cushions", "Linen, wool and velvet, filled with feathers.",
            care="Covers come off and wash at 30 °C.", made_in="Lithuania"),
    Section("house/living/blankets", "Blankets", "Woven on looms older than we are.", care=_WOOL_CARE, made_in="Ireland"),
    Section("outdoor", "Outdoor", "For a night by the lake, or the bus in the rain."),
    Section("outdoor/camping", "Camping", "Light enough to carry, simple enough to pitch at dusk."),
    Section("outdoor/camping/tents", "Tents", "Four minutes from bag to roof.",
            care="Dry it before you store it, and never roll it the same way twice.", made_in="Estonia"),
    Section("outdoor/camping/camp-kitchen", "Camp kitchen", "Coffee tastes better out there.",
            care="Rinse with warm water. The gasket comes off for a thorough wash.", made_in="Sweden"),
    Section("outdoor/bags", "Bags", "They carry the week, and look good doing it."),
    Section("outdoor/bags/backpacks", "Backpacks", "Backs come in sizes; so do our straps.",
            care="Brush off, wipe down, hang to dry. We replace zips and buckles for free.", made_in="Portugal"),
    Section("outdoor/clothing", "Clothing", "The last thing you put on before the door."),
    Section("outdoor/clothing/hats", "Hats", "For wind on one end of the year and sun on the other.", _HEADS, _WOOL_CARE, "Scotland"),
)  # fmt: skip

_BY_PATH = {section.path: section for section in SECTIONS}


def _of(category: str, *rows: tuple[object, ...]) -> list[Product]:
    """Products of one section, from rows of its table."""
    section = _BY_PATH[category]
    found = []
    for slug, name, price, regular_price, shape, pattern, colours, rating, n_reviews, stock, material, about in rows:
        found.append(
            Product(
                slug=str(slug).lstrip("*"), name=str(name), category=category, price=float(str(price)),
                regular_price=float(str(regular_price)) if regular_price else None, shape=str(shape),
                pattern=str(pattern), colours=tuple(str(colours).split()), about=str(about), material=str(material),
                rating=float(str(rating)), n_reviews=int(str(n_reviews)), stock=int(str(stock)),
                sizes=section.sizes, care=section.care, made_in=section.made_in, is_new=str(slug).startswith("*"),
            )
        )  # fmt: skip
    return found


# slug (* is new), name, price, regular price, shape, pattern, colours, rating, reviews, stock, material, description
PRODUCTS: tuple[Product, ...] = (
    *_of("women/shoes/sneakers",
        ("coastal-runner", "Coastal Runner", 89.0, None, "sneaker", "", "sky chalk rust", 4.7, 214, 38,
         "Recycled polyester knit, natural rubber, cork insole",
         "A light everyday trainer with a recycled knit upper and a sole that forgives cobblestones."),
        ("meadow-low", "Meadow Low", 74.5, 99.0, "sneaker", "", "lichen oat", 4.4, 96, 17,
         "Organic cotton canvas, natural rubber",
         "Low canvas sneaker on a natural rubber sole. Washable, resoleable, and better after a summer."),
        ("harbour-slip", "Harbour Slip", 64.0, None, "slipon", "stripe", "navy chalk", 4.5, 71, 24,
         "Organic cotton canvas, jute, natural rubber",
         "No laces, no fuss: a slip-on for the way to the bakery."),
        ("*orchard-court", "Orchard Court", 112.0, None, "sneaker", "", "chalk rose", 4.8, 33, 29,
         "Chrome-free leather, natural rubber",
         "A plain court shoe in soft leather, with a heel tab the colour of a ripe pear."),
    ),
    *_of("women/shoes/boots",
        ("ridge-boot", "Ridge Boot", 159.0, None, "boot", "", "walnut ink", 4.8, 187, 22,
         "Waxed leather, wool lining, rubber lug sole",
         "Waxed leather, a Goodyear welt and a warm lining for wet Novembers."),
        ("chelsea-fern", "Chelsea Fern", 139.0, None, "chelsea", "", "fern charcoal", 4.6, 142, 19,
         "Full-grain leather, elastic gusset, leather sole",
         "A narrow Chelsea boot that goes with everything you own."),
        ("puddle-boot", "Puddle Boot", 69.0, 89.0, "wellie", "", "ochre moss cherry", 4.3, 58, 41,
         "Natural rubber, cotton lining",
         "A rubber boot that stops at the calf, for gardens, festivals and dog people."),
        ("winter-lace", "Winter Lace", 179.0, None, "boot", "", "charcoal walnut", 4.7, 64, 0,
         "Oiled nubuck, shearling, rubber lug sole",
         "Shearling to the toe and hooks that gloved fingers can work."),
    ),
    *_of("women/clothing/jackets",
        ("drizzle-parka", "Drizzle Parka", 189.0, None, "parka", "", "tide ochre ink", 4.8, 231, 26,
         "Recycled nylon with a plant-based membrane",
         "Taped seams, a real hood, pockets for gloves and a book."),
        ("quilt-liner", "Quilt Liner", 119.0, 149.0, "jacket", "quilt", "moss oat", 4.6, 118, 33,
         "Recycled polyamide, 60 g wool wadding",
         "Thin quilted layer, warm under a coat and fine without."),
        ("lamplight-coat", "Lamplight Coat", 279.0, 349.0, "coat", "herringbone", "walnut slate", 4.9, 87, 12,
         "Virgin wool, cupro lining, horn buttons",
         "A knee-length herringbone coat with a collar that stays up by itself."),
        ("*gull-anorak", "Gull Anorak", 149.0, None, "parka", "", "chalk sky", 4.5, 21, 35,
         "Dense organic cotton, water-repellent",
         "Pulled over the head, laced at the side, quiet in the wind."),
    ),
    *_of("women/clothing/knitwear",
        ("orchard-cardigan", "Orchard Cardigan", 98.0, None, "cardigan", "knit", "rose oat", 4.7, 156, 28,
         "Lambswool from two farms, horn buttons",
         "Lambswool, horn buttons, a generous cut and room for an apple in each pocket."),
        ("moss-crew", "Moss Crew", 85.0, None, "sweater", "knit", "moss chalk", 4.5, 133, 40,
         "Undyed and plant-dyed merino",
         "Crew neck in undyed and moss-green merino, light enough for under a blazer."),
        ("fisher-rib", "Fisher Rib", 110.0, None, "sweater", "cable", "ink oat cherry", 4.8, 204, 31,
         "Worsted wool, undyed or twice dyed",
         "A heavy fisherman's rib that is still soft at the collar."),
        ("fair-isle-yoke", "Fair Isle Yoke", 109.0, 145.0, "sweater", "yoke", "tide rust", 4.9, 76, 9,
         "Shetland wool in eleven colours",
         "Knitted in the round on the island, eleven colours, no side seams."),
        ("*feather-roll", "Feather Roll Neck", 92.0, None, "rollneck", "knit", "oat plum", 4.6, 18, 36,
         "Baby alpaca and merino",
         "A fine roll neck that weighs less than a letter and warms like a scarf."),
    ),
    *_of("women/clothing/dresses",
        ("linen-pinafore", "Linen Pinafore", 118.0, None, "pinafore", "", "rust ink", 4.6, 89, 25,
         "Washed European linen", "Two deep pockets and straps that tie: over a tee in May, over a roll neck in October."),
        ("market-dress", "Market Dress", 98.0, 129.0, "dress", "dots", "navy cherry", 4.4, 112, 18,
         "Organic cotton poplin", "A shirt dress with a belt of its own and sleeves that stay rolled."),
        ("garden-wrap", "Garden Wrap", 134.0, None, "dress", "leaf", "fern clay", 4.7, 67, 21,
         "Lenzing viscose, printed by hand", "A wrap dress with a hand-cut leaf print that swings and doesn't crease."),
    ),
    *_of("men/shoes/sneakers",
        ("track-70", "Track 70", 95.0, None, "sneaker", "", "rust navy", 4.6, 178, 34,
         "Suede, recycled mesh, EVA and rubber", "Suede and mesh after a runner from 1970, on a better sole."),
        ("plain-court", "Plain Court", 119.0, None, "sneaker", "", "chalk charcoal", 4.7, 241, 45,
         "Full-grain leather, natural rubber", "Full-grain leather court shoe without a logo in sight."),
        ("night-runner", "Night Runner", 84.0, 105.0, "sneaker", "", "ink slate", 4.3, 90, 27,
         "Recycled knit with reflective thread", "Reflective thread in the knit: seen at dusk, plain by day."),
        ("pier-slip", "Pier Slip", 62.0, None, "slipon", "", "sand navy", 4.2, 44, 30,
         "Washed canvas, jute, natural rubber", "The holiday shoe that makes it through the rest of the year."),
    ),
    *_of("men/shoes/boots",
        ("logger-boot", "Logger Boot", 179.0, None, "boot", "", "copper iron", 4.9, 163, 20,
         "Oiled leather, brass hooks, stitched rubber sole", "Seven-inch work boot, oiled leather, stitched to be repaired."),
        ("desert-boot", "Desert Boot", 109.0, None, "chukka", "", "sand walnut", 4.5, 127, 36,
         "Suede, natural crepe", "Two eyelets, crepe sole, sand suede. Nothing to add since 1949."),
        ("dealer-boot", "Dealer Boot", 149.0, 189.0, "chelsea", "", "walnut charcoal", 4.6, 81, 14,
         "Full-grain leather, elastic gusset", "A Chelsea with a wider toe and a sole that grips wet stone."),
    ),
    *_of("men/clothing/jackets",
        ("field-jacket", "Field Jacket", 169.0, None, "fieldjacket", "", "moss sand", 4.7, 152, 23,
         "Dry waxed cotton, corduroy collar", "Four pockets, dry waxed cotton, a collar that stands up to wind."),
        ("harbour-shell", "Harbour Shell", 199.0, 239.0, "parka", "", "navy ochre", 4.8, 109, 16,
         "Three-layer recycled nylon", "Three-layer shell that packs into its own pocket."),
        ("chore-coat", "Chore Coat", 129.0, None, "fieldjacket", "", "ink clay", 4.6, 98, 37,
         "Heavy moleskin, corozo buttons", "The French workman's jacket in moleskin: stiff for a week, yours for good."),
        ("*sheep-gilet", "Sheep Gilet", 99.0, None, "gilet", "quilt", "fern charcoal", 4.4, 26, 28,
         "Ripstop cotton, wool wadding", "Warm where you need it and nothing where you don't."),
    ),
    *_of("men/clothing/shirts",
        ("oxford-shirt", "Oxford Shirt", 59.0, None, "shirt", "", "sky chalk rose", 4.6, 265, 60,
         "Organic oxford cotton, mother-of-pearl buttons", "Button-down in dense oxford cotton that gets better each wash."),
        ("flannel-check", "Flannel Check", 65.0, None, "shirt", "check", "rust fern", 4.8, 193, 42,
         "Brushed organic cotton, 190 g", "Brushed both sides, checked in rust and ink."),
        ("linen-band", "Linen Band", 69.0, 79.0, "bandshirt", "", "lichen chalk", 4.4, 85, 31,
         "Washed European linen", "Band-collar shirt in washed European linen."),
        ("railway-stripe", "Railway Stripe", 62.0, None, "shirt", "stripe", "ink sky", 4.5, 57, 33,
         "Cotton and hemp hickory cloth", "Hickory stripe, two chest pockets, one of them for a pencil."),
    ),
    *_of("men/clothing/knitwear",
        ("skipper-jumper", "Skipper Jumper", 99.0, 125.0, "sweater", "stripe", "chalk navy", 4.7, 121, 24,
         "Milano-knit cotton", "Striped boat-neck in a knit so tight that wind gives up."),
        ("shawl-cardigan", "Shawl Cardigan", 139.0, None, "cardigan", "cable", "charcoal oat", 4.8, 94, 15,
         "Six-ply lambswool, leather buttons", "Six-ply lambswool and a collar for reading by the stove."),
        ("harris-vest", "Harris Vest", 79.0, None, "vest", "check", "walnut moss", 4.5, 39, 22,
         "Lambswool, undyed rib", "A knitted vest that turns a shirt into an outfit."),
        ("*quarry-roll", "Quarry Roll Neck", 105.0, None, "rollneck", "cable", "slate chalk", 4.6, 14, 27,
         "Worsted wool", "Ribbed roll neck in a stone-grey marl."),
    ),
    *_of("house/kitchen/mugs",
        ("stone-mug", "Stone Mug", 18.0, None, "mug", "speckle", "sand slate", 4.8, 318, 120,
         "Stoneware, 300 ml", "Thrown by hand in Kannenbäcker clay; holds 300 ml and its heat."),
        ("tide-mug", "Tide Mug", 21.0, None, "mug", "glaze", "tide navy", 4.7, 246, 85,
         "Stoneware with a reactive glaze, 320 ml", "Reactive glaze: no two are alike, all of them are blue."),
        ("forest-mug", "Forest Mug", 19.5, None, "tallmug", "", "fern moss", 4.6, 152, 74,
         "Stoneware, matt glaze, 380 ml", "A tall mug in matt forest green for long mornings."),
        ("espresso-pair", "Espresso Pair", 24.0, 32.0, "cups", "speckle", "chalk charcoal", 4.5, 88, 46,
         "Porcelain, 2 × 80 ml", "Two small cups that stack, one for you and one for whoever drops in."),
        ("*breakfast-bowl", "Breakfast Bowl", 26.0, None, "bowl", "glaze", "oat sky", 4.8, 29, 64,
         "Stoneware, 600 ml", "Between bowl and mug: for soup, porridge and milky coffee."),
    ),
    *_of("house/kitchen/pans",
        ("iron-skillet", "Iron Skillet", 79.0, None, "pan", "", "iron", 4.9, 402, 58,
         "Cast iron, 26 cm, 2.1 kg", "26 cm cast iron, smooth inside, seasoned three times."),
        ("copper-saute", "Copper Sauté", 189.0, 219.0, "saute", "", "copper", 4.8, 73, 11,
         "Copper 2 mm, steel lining, iron handle", "Two millimetres of copper lined with steel. Heats evenly, lives long."),
        ("milk-pan", "Milk Pan", 42.0, None, "saucepan", "", "cherry chalk sky", 4.6, 110, 52,
         "Enamelled steel, beech handle, 1.2 l", "Enamelled steel with two lips, for left and right hands."),
        ("*casserole", "Sunday Casserole", 159.0, None, "casserole", "", "ochre tide iron", 4.9, 37, 20,
         "Enamelled cast iron, 4.5 l", "Goes from stove to oven to table, and feeds six."),
    ),
    *_of("house/living/lamps",
        ("arc-lamp", "Arc Lamp", 149.0, None, "arclamp", "", "ochre charcoal", 4.6, 92, 18,
         "Steel, linen shade, oak foot", "A table lamp that leans in, with a dimmer you can find in the dark."),
        ("dusk-lamp", "Dusk Lamp", 129.0, None, "lamp", "pleat", "rose oat", 4.7, 105, 25,
         "Turned oak, pleated cotton, cloth cord", "Warm light, a turned oak foot, two metres of cloth-covered cord."),
        ("pebble-lamp", "Pebble Lamp", 99.0, 119.0, "pebble", "", "chalk clay", 4.4, 61, 32,
         "Stoneware, opal glass", "A small lamp for a shelf or a bedside."),
        ("*lantern-pendant", "Lantern Pendant", 169.0, None, "pendant", "", "fern chalk", 4.7, 12, 14,
         "Spun steel, brass, cloth cord", "Hangs low over the table and keeps everyone's face lit and nobody's eyes dazzled."),
    ),
    *_of("house/living/cushions",
        ("linen-cushion", "Linen Cushion", 39.0, None, "cushion", "", "oat rust slate", 4.6, 149, 70,
         "Stonewashed linen, feathers, 50 × 50 cm", "Stonewashed linen, feather filling, hidden zip."),
        ("stripe-cushion", "Stripe Cushion", 45.0, None, "cushion", "stripe", "ink rust", 4.5, 83, 44,
         "Woven cotton, feathers, 50 × 50 cm", "Woven stripes in ink and chalk."),
        ("velvet-cushion", "Velvet Cushion", 49.0, None, "cushion", "velvet", "fern plum ochre", 4.7, 97, 39,
         "Cotton velvet, feathers, 45 × 45 cm", "Cotton velvet that catches the afternoon."),
        ("kelim-cushion", "Kelim Cushion", 54.0, 69.0, "cushion", "kelim", "cherry tide", 4.8, 55, 13,
         "Hand-woven wool, feathers, 60 × 40 cm", "Flat-woven wool in a pattern the weaver makes up as she goes."),
    ),
    *_of("house/living/blankets",
        ("lough-throw", "Lough Throw", 129.0, None, "blanket", "check", "tide walnut", 4.9, 138, 26,
         "Lambswool, 140 × 190 cm", "Soft lambswool check in the colours of the lake it is woven beside."),
        ("picnic-blanket", "Picnic Blanket", 68.0, 85.0, "blanket", "stripe", "cherry moss", 4.5, 102, 47,
         "Recycled wool, waxed cotton back, leather strap", "Wool on top, waxed cotton below, a strap to carry it by."),
        ("*honeycomb-throw", "Honeycomb Throw", 98.0, None, "blanket", "waffle", "chalk rose", 4.6, 23, 34,
         "Washed cotton, 150 × 200 cm", "Waffle-woven cotton for the edge of the bed and the first cold evening."),
    ),
    *_of("outdoor/camping/tents",
        ("lake-tent", "Lake Tent", 349.0, None, "tent", "", "tide ochre", 4.7, 84, 17,
         "Ripstop nylon, aluminium poles, 2.1 kg", "Two people, two doors, 2.1 kg. Pitches in four minutes."),
        ("summit-tent", "Summit Tent", 489.0, None, "dome", "", "rust iron", 4.9, 46, 8,
         "Ripstop nylon, five poles, 3.4 kg", "Four seasons, five poles, room for wet boots."),
        ("meadow-tarp", "Meadow Tarp", 119.0, 139.0, "tarp", "", "moss sand", 4.5, 68, 29,
         "Coated polycotton, 3 × 3 m, 1.6 kg", "Three by three metres of shade, with twelve loops."),
        ("bell-tent", "Bell Tent", 579.0, 690.0, "bell", "", "oat", 4.8, 31, 5,
         "Cotton canvas 285 g, one steel pole, Ø 4 m", "A round room with a pole in the middle and space for the whole family."),
    ),
    *_of("outdoor/camping/camp-kitchen",
        ("day-flask", "Day Flask", 34.0, None, "flask", "", "fern ochre chalk", 4.7, 227, 96,
         "Steel, double wall, 0.75 l", "Hot for twelve hours, cold for twenty-four, quiet in the bag."),
        ("enamel-set", "Enamel Set", 48.0, 59.0, "enamel", "", "chalk ink", 4.6, 79, 38,
         "Enamelled steel, for two", "Two mugs, two plates, one bag. Chips are part of the charm."),
        ("*storm-lantern", "Storm Lantern", 58.0, None, "lantern", "", "cherry iron", 4.8, 35, 43,
         "Galvanised steel, glass, LED flame", "The shape of a paraffin lantern, with a light that charges by USB."),
        ("camp-pot", "Camp Pot", 62.0, None, "saucepan", "", "iron", 4.4, 52, 0,
         "Hard-anodised aluminium, 1.6 l", "A pot, a lid that is a pan, and a handle that folds round both."),
    ),
    *_of("outdoor/bags/backpacks",
        ("day-pack-20", "Day Pack 20", 95.0, None, "backpack", "", "ink ochre fern", 4.7, 198, 51,
         "Recycled canvas, 20 l, 0.8 kg", "Twenty litres, a padded sleeve, a flask pocket on each side."),
        ("trek-pack-50", "Trek Pack 50", 219.0, None, "trekpack", "", "rust navy", 4.8, 77, 13,
         "Ripstop nylon, 50 l, 1.6 kg", "Fifty litres on a back that adjusts while you walk."),
        ("roll-top", "Roll Top", 109.0, 129.0, "rolltop", "", "moss charcoal", 4.6, 120, 36,
         "Welded tarpaulin, 24 l", "Welded seams: the laptop stays dry in a ford."),
        ("market-tote", "Market Tote", 54.0, None, "tote", "", "oat navy", 4.5, 140, 68,
         "Waxed canvas, bridle leather", "Holds two baguettes, one laptop and the rest of Saturday."),
    ),
    *_of("outdoor/clothing/hats",
        ("wool-beanie", "Wool Beanie", 29.0, None, "beanie", "knit", "cherry ink ochre", 4.7, 289, 130,
         "Double-knit merino", "Double-knit merino, made in one piece."),
        ("sun-hat", "Sun Hat", 34.0, None, "sunhat", "", "sand chalk", 4.4, 91, 55,
         "Paper straw, cotton band", "Wide brim, packable, with a cord for windy piers."),
        ("watch-cap", "Watch Cap", 25.0, 32.0, "beanie", "knit", "fern charcoal", 4.6, 113, 62,
         "Recycled wool", "Short and ribbed, worn above the ears by people who are never cold."),
        ("*field-cap", "Field Cap", 39.0, None, "cap", "", "moss walnut", 4.5, 27, 48,
         "Waxed cotton, corduroy peak", "Six panels of waxed cotton; rain runs off the peak and not down your neck."),
    ),
)  # fmt: skip

CODES: dict[str, float] = {"FINCH10": 0.10}
"""Discount codes: what share of the goods' price they take off."""

CAMPAIGNS: dict[str, Campaign] = {
    campaign.name: campaign
    for campaign in (
        Campaign("autumn-sale", "The autumn sale", "Until the leaves are down",
                 "The last pieces of spring and summer, at prices that make room for winter. What is gone is gone.",
                 "autumn", tuple(product.slug for product in PRODUCTS if product.regular_price)),
        Campaign("knitwear-season", "Knitwear season", "From two farms and an island",
                 "Lambswool, Shetland and merino, knitted in Scotland. Ten percent off everything with this code, until it snows.",
                 "knitwear", ("fair-isle-yoke", "fisher-rib", "orchard-cardigan", "moss-crew", "feather-roll",
                              "skipper-jumper", "shawl-cardigan", "quarry-roll", "wool-beanie", "watch-cap",
                              "lough-throw", "harris-vest"), "FINCH10"),
        Campaign("night-by-the-lake", "A night by the lake", "Camp, simply",
                 "One tent, one lantern, one pot of coffee. Everything for your first night out, and for the fiftieth.",
                 "lake", ("lake-tent", "meadow-tarp", "storm-lantern", "day-flask", "enamel-set", "camp-pot",
                          "day-pack-20", "lough-throw", "drizzle-parka", "harbour-shell", "field-cap", "bell-tent")),
        Campaign("slow-mornings", "Slow mornings", "For the kitchen table",
                 "Mugs from three small potteries, pans for the next forty years, and light that is kind before nine.",
                 "kitchen", ("stone-mug", "tide-mug", "forest-mug", "espresso-pair", "breakfast-bowl", "iron-skillet",
                             "milk-pan", "casserole", "dusk-lamp", "honeycomb-throw", "linen-cushion", "lantern-pendant")),
    )
}  # fmt: skip
