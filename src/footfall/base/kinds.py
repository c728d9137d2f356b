"""What can happen in a shop? The canonical kinds that every client's event names map onto."""

from enum import IntEnum


class Kind(IntEnum):
    """Canonical shop action; the number is stored in records and the lake and never changes."""

    CUSTOM = 0
    PAGE_VIEW = 1
    LIST_VIEW = 2
    PRODUCT_CLICK = 3
    PRODUCT_VIEW = 4
    SEARCH = 5
    CART_ADD = 6
    CART_REMOVE = 7
    CART_VIEW = 8
    WISHLIST_ADD = 9
    CHECKOUT_START = 10
    PAYMENT_INFO = 11
    ORDER = 12
    REFUND = 13
    PROMOTION_VIEW = 14
    PROMOTION_CLICK = 15
    SIGN_UP = 16
    SIGN_IN = 17
    FORM = 18
    SCROLL = 19
    CLICK = 20
    OFFER_SHOWN = 21
    OFFER_CLICKED = 22
    OFFER_DISMISSED = 23
    EMAIL_OPENED = 24
    EMAIL_CLICKED = 25
    IDENTIFY = 26
    SESSION_END = 27
    HOVER = 28
    ENGAGEMENT = 29


N_KINDS = 30
KIND_NAMES = tuple(kind.name.lower() for kind in Kind)
"""Kind names by number, as used on the wire and in the API (``"product_view"``)."""
