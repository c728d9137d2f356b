"""What does the demo shop sell? Forty products on the leaves of three levels of categories."""

from dataclasses import dataclass

CURRENCY = "USD"


@dataclass(frozen=True)
class Product:
    """One thing on sale. ``category`` is its path, prices are in ``CURRENCY``, ``shape`` says how it is drawn."""

    slug: str
    name: str
    category: str
    price: float
    shape: str
    hue: int
    about: str
    regular_price: float | None = None
    sizes: tuple[str, ...] = ()

    @property
    def sku(self) -> str:
        return self.slug.upper()[:3] + f"-{self.hue:03d}"

    @property
    def path(self) -> str:
        return f"/{self.category}/{self.slug}"


SHOES = ("37", "38", "39", "40", "41", "42", "43", "44")
CLOTHES = ("XS", "S", "M", "L", "XL")

PRODUCTS: tuple[Product, ...] = (
    Product("coastal-runner", "Coastal Runner", "women/shoes/sneakers", 89.0, "sneaker", 205,
            "A light everyday trainer with a recycled knit upper and a sole that forgives cobblestones.", sizes=SHOES),
    Product("meadow-low", "Meadow Low", "women/shoes/sneakers", 74.5, "sneaker", 130,
            "Low canvas sneaker on a natural rubber sole. Washable, resoleable.", 99.0, SHOES),
    Product("harbour-slip", "Harbour Slip", "women/shoes/sneakers", 64.0, "sneaker", 20,
            "No laces, no fuss: a slip-on for the way to the bakery.", sizes=SHOES),
    Product("ridge-boot", "Ridge Boot", "women/shoes/boots", 159.0, "boot", 28,
            "Waxed leather, Goodyear welt, a warm lining for wet Novembers.", sizes=SHOES),
    Product("chelsea-fern", "Chelsea Fern", "women/shoes/boots", 139.0, "boot", 150,
            "A narrow Chelsea boot that goes with everything you own.", sizes=SHOES),
    Product("drizzle-parka", "Drizzle Parka", "women/clothing/jackets", 189.0, "jacket", 190,
            "Taped seams, a real hood, pockets for gloves and a book.", sizes=CLOTHES),
    Product("quilt-liner", "Quilt Liner", "women/clothing/jackets", 119.0, "jacket", 85,
            "Thin quilted layer, warm under a coat and fine without.", 149.0, CLOTHES),
    Product("orchard-cardigan", "Orchard Cardigan", "women/clothing/knitwear", 98.0, "sweater", 350,
            "Lambswool from two farms, horn buttons, a generous cut.", sizes=CLOTHES),
    Product("moss-crew", "Moss Crew", "women/clothing/knitwear", 85.0, "sweater", 100,
            "Crew neck in undyed and moss-green merino.", sizes=CLOTHES),
    Product("fisher-rib", "Fisher Rib", "women/clothing/knitwear", 110.0, "sweater", 215,
            "A heavy fisherman's rib that is still soft at the collar.", sizes=CLOTHES),
    Product("track-70", "Track 70", "men/shoes/sneakers", 95.0, "sneaker", 8,
            "Suede and mesh after a runner from 1970, on a better sole.", sizes=SHOES),
    Product("plain-court", "Plain Court", "men/shoes/sneakers", 119.0, "sneaker", 45,
            "Full-grain leather court shoe without a logo in sight.", sizes=SHOES),
    Product("night-runner", "Night Runner", "men/shoes/sneakers", 84.0, "sneaker", 250,
            "Reflective thread in the knit: seen at dusk, plain by day.", 105.0, SHOES),
    Product("logger-boot", "Logger Boot", "men/shoes/boots", 179.0, "boot", 18,
            "Seven-inch work boot, oiled leather, stitched to be repaired.", sizes=SHOES),
    Product("desert-boot", "Desert Boot", "men/shoes/boots", 109.0, "boot", 40,
            "Two eyelets, crepe sole, sand suede.", sizes=SHOES),
    Product("field-jacket", "Field Jacket", "men/clothing/jackets", 169.0, "jacket", 75,
            "Four pockets, dry waxed cotton, a collar that stands up to wind.", sizes=CLOTHES),
    Product("harbour-shell", "Harbour Shell", "men/clothing/jackets", 199.0, "jacket", 215,
            "Three-layer shell that packs into its own pocket.", 239.0, CLOTHES),
    Product("oxford-shirt", "Oxford Shirt", "men/clothing/shirts", 59.0, "shirt", 210,
            "Button-down in dense oxford cotton that gets better each wash.", sizes=CLOTHES),
    Product("flannel-check", "Flannel Check", "men/clothing/shirts", 65.0, "shirt", 355,
            "Brushed both sides, checked in rust and ink.", sizes=CLOTHES),
    Product("linen-band", "Linen Band", "men/clothing/shirts", 69.0, "shirt", 165,
            "Band-collar shirt in washed European linen.", 79.0, CLOTHES),
    Product("stone-mug", "Stone Mug", "house/kitchen/mugs", 18.0, "mug", 30,
            "Thrown by hand in Kannenbaecker clay, holds 300 ml and its heat."),
    Product("tide-mug", "Tide Mug", "house/kitchen/mugs", 21.0, "mug", 200,
            "Reactive glaze: no two are alike, all of them are blue."),
    Product("forest-mug", "Forest Mug", "house/kitchen/mugs", 19.5, "mug", 145,
            "A tall mug in matt forest green for long mornings."),
    Product("iron-skillet", "Iron Skillet", "house/kitchen/pans", 79.0, "pan", 220,
            "26 cm cast iron, smooth inside, seasoned three times."),
    Product("copper-saute", "Copper Saute", "house/kitchen/pans", 189.0, "pan", 22,
            "Two millimetres of copper lined with steel. Heats evenly, lives long.", 219.0),
    Product("milk-pan", "Milk Pan", "house/kitchen/pans", 42.0, "pan", 5,
            "Enamelled steel with two lips, for left and right hands."),
    Product("arc-lamp", "Arc Lamp", "house/living/lamps", 149.0, "lamp", 48,
            "A table lamp with a linen shade and a dimmer you can find in the dark."),
    Product("dusk-lamp", "Dusk Lamp", "house/living/lamps", 129.0, "lamp", 330,
            "Warm light, turned oak foot, two metres of cloth-covered cord."),
    Product("pebble-lamp", "Pebble Lamp", "house/living/lamps", 99.0, "lamp", 180,
            "A small lamp for a shelf or a bedside.", 119.0),
    Product("linen-cushion", "Linen Cushion", "house/living/cushions", 39.0, "cushion", 35,
            "Stonewashed linen, feather filling, hidden zip."),
    Product("stripe-cushion", "Stripe Cushion", "house/living/cushions", 45.0, "cushion", 225,
            "Woven stripes in ink and chalk."),
    Product("velvet-cushion", "Velvet Cushion", "house/living/cushions", 49.0, "cushion", 160,
            "Cotton velvet that catches the afternoon."),
    Product("lake-tent", "Lake Tent", "outdoor/camping/tents", 349.0, "tent", 195,
            "Two people, two doors, 2.1 kg. Pitches in four minutes."),
    Product("summit-tent", "Summit Tent", "outdoor/camping/tents", 489.0, "tent", 15,
            "Four seasons, five poles, room for wet boots."),
    Product("meadow-tarp", "Meadow Tarp", "outdoor/camping/tents", 119.0, "tent", 110,
            "Three by three metres of shade, with twelve loops.", 139.0),
    Product("day-pack-20", "Day Pack 20", "outdoor/bags/backpacks", 95.0, "backpack", 210,
            "Twenty litres, a padded sleeve, a flask pocket on each side."),
    Product("trek-pack-50", "Trek Pack 50", "outdoor/bags/backpacks", 219.0, "backpack", 12,
            "Fifty litres on a back that adjusts while you walk."),
    Product("roll-top", "Roll Top", "outdoor/bags/backpacks", 109.0, "backpack", 95,
            "Welded seams: the laptop stays dry in a ford.", 129.0),
    Product("wool-beanie", "Wool Beanie", "outdoor/clothing/hats", 29.0, "hat", 355,
            "Double-knit merino, made in one piece."),
    Product("sun-hat", "Sun Hat", "outdoor/clothing/hats", 34.0, "hat", 50,
            "Wide brim, packable, with a cord for windy piers."),
)  # fmt: skip

BY_SLUG = {product.slug: product for product in PRODUCTS}


def title_of(segment: str) -> str:
    """A category segment for people: ``men`` is ``Men``."""
    return segment.replace("-", " ").title()


def in_category(path: str) -> list[Product]:
    """Products at or below a category path; ``""`` is the whole shop."""
    return [product for product in PRODUCTS if not path or f"{product.category}/".startswith(f"{path}/")]


def children(path: str) -> list[str]:
    """Category paths one level below, in shop order."""
    depth = path.count("/") + 2 if path else 1
    return list(dict.fromkeys("/".join(product.category.split("/")[:depth]) for product in in_category(path)
                              if product.category.count("/") + 1 >= depth))  # fmt: skip


def search(query: str) -> list[Product]:
    """Products all of whose words are found in name, category or description."""
    words = query.lower().split()
    if not words:
        return []
    return [
        product
        for product in PRODUCTS
        if all(word in f"{product.name} {product.category} {product.about}".lower() for word in words)
    ]
