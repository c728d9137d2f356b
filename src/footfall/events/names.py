"""Which shop action does an event's name stand for? One table for every client's vocabulary.

Names are folded before they are looked up (:func:`folded`), so ``Product Viewed``, ``product_viewed`` and
``productViewed`` are the same name. A name that isn't in the table is ``Kind.CUSTOM``; nothing is guessed.
"""

import re

from footfall.base.kinds import Kind

NAME_MAX = 128
"""Characters of a name that are looked at."""

_BEFORE_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = str.maketrans("_-./:", "     ")

_CLIENTS: tuple[tuple[str, tuple[tuple[Kind, tuple[str, ...]], ...]], ...] = (
    (
        "Segment and RudderStack",
        (
            (Kind.PAGE_VIEW, ("Page Viewed", "Viewed Page", "Screen Viewed", "Viewed Screen")),
            (Kind.LIST_VIEW, ("Product List Viewed", "Product List Filtered", "Viewed Product Category")),
            (Kind.PRODUCT_CLICK, ("Product Clicked", "Clicked Product")),
            (Kind.PRODUCT_VIEW, ("Product Viewed", "Viewed Product")),
            (Kind.SEARCH, ("Products Searched", "Searched Products")),
            (Kind.CART_ADD, ("Product Added", "Added Product", "Wishlist Product Added to Cart")),
            (Kind.CART_REMOVE, ("Product Removed", "Removed Product")),
            (Kind.CART_VIEW, ("Cart Viewed", "Viewed Cart")),
            (Kind.WISHLIST_ADD, ("Product Added to Wishlist",)),
            (
                Kind.CHECKOUT_START,
                ("Checkout Started", "Started Checkout", "Checkout Step Viewed", "Checkout Step Completed")
                + ("Viewed Checkout Step", "Completed Checkout Step"),
            ),
            (Kind.PAYMENT_INFO, ("Payment Info Entered", "Entered Payment Info")),
            (Kind.ORDER, ("Order Completed", "Completed Order")),
            (Kind.REFUND, ("Order Refunded", "Order Cancelled", "Refunded Order", "Cancelled Order")),
            (Kind.PROMOTION_VIEW, ("Promotion Viewed", "Viewed Promotion")),
            (Kind.PROMOTION_CLICK, ("Promotion Clicked", "Clicked Promotion")),
            (Kind.SIGN_UP, ("Signed Up", "Account Created")),
            (Kind.SIGN_IN, ("Signed In", "Logged In")),
            (Kind.FORM, ("Form Submitted", "Form Completed")),
            (Kind.SCROLL, ("Page Scrolled", "Scrolled")),
            (Kind.CLICK, ("Link Clicked", "Button Clicked", "Element Clicked")),
            (Kind.EMAIL_OPENED, ("Email Opened",)),
            (Kind.EMAIL_CLICKED, ("Email Link Clicked", "Email Clicked")),
            (
                Kind.CUSTOM,
                ("Order Updated", "Product Removed from Wishlist", "Product Shared", "Cart Shared", "Product Reviewed")
                + ("Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed", "Signed Out")
                + ("Email Sent", "Email Delivered", "Email Bounced", "Email Marked as Spam", "Unsubscribed")
                + ("Experiment Viewed", "Application Installed", "Application Opened", "Application Backgrounded"),
            ),
        ),
    ),
    (
        "GA4",
        (
            (Kind.PAGE_VIEW, ("page_view", "screen_view")),
            (Kind.LIST_VIEW, ("view_item_list",)),
            (Kind.PRODUCT_CLICK, ("select_item",)),
            (Kind.PRODUCT_VIEW, ("view_item",)),
            (Kind.SEARCH, ("search", "view_search_results")),
            (Kind.CART_ADD, ("add_to_cart",)),
            (Kind.CART_REMOVE, ("remove_from_cart",)),
            (Kind.CART_VIEW, ("view_cart",)),
            (Kind.WISHLIST_ADD, ("add_to_wishlist",)),
            (Kind.CHECKOUT_START, ("begin_checkout", "add_shipping_info")),
            (Kind.PAYMENT_INFO, ("add_payment_info",)),
            (Kind.ORDER, ("purchase", "in_app_purchase", "ecommerce_purchase")),
            (Kind.REFUND, ("refund",)),
            (Kind.PROMOTION_VIEW, ("view_promotion",)),
            (Kind.PROMOTION_CLICK, ("select_promotion",)),
            (Kind.SIGN_UP, ("sign_up",)),
            (Kind.SIGN_IN, ("login",)),
            (Kind.FORM, ("generate_lead", "form_submit")),
            (Kind.SCROLL, ("scroll",)),
            (Kind.CLICK, ("click", "select_content")),
            (Kind.ENGAGEMENT, ("user_engagement",)),
            (
                Kind.CUSTOM,
                (
                    "share",
                    "join_group",
                    "first_visit",
                    "session_start",
                    "file_download",
                    "form_start",
                )
                + ("video_start", "video_progress", "video_complete", "qualify_lead", "disqualify_lead", "working_lead")
                + ("close_convert_lead", "close_unconvert_lead", "earn_virtual_currency", "spend_virtual_currency")
                + ("level_start", "level_end", "level_up", "post_score", "unlock_achievement")
                + ("tutorial_begin", "tutorial_complete", "campaign_details", "exception", "timing_complete"),
            ),
        ),
    ),
    (
        "Snowplow e-commerce plug-in",
        (
            (Kind.LIST_VIEW, ("list_view",)),
            (Kind.PRODUCT_CLICK, ("list_click",)),
            (Kind.PRODUCT_VIEW, ("product_view",)),
            (Kind.CART_ADD, ("add_to_cart",)),
            (Kind.CART_REMOVE, ("remove_from_cart",)),
            (Kind.CHECKOUT_START, ("checkout_step",)),
            (Kind.ORDER, ("transaction",)),
            (Kind.REFUND, ("refund",)),
            (Kind.PROMOTION_VIEW, ("promo_view",)),
            (Kind.PROMOTION_CLICK, ("promo_click",)),
            (Kind.CUSTOM, ("trns_error",)),
        ),
    ),
    (
        "Snowplow, other schemas",
        (
            (Kind.PAGE_VIEW, ("page_view", "screen_view")),
            (Kind.SEARCH, ("site_search",)),
            (Kind.FORM, ("submit_form",)),
            (Kind.SCROLL, ("page_ping",)),
            (Kind.CLICK, ("link_click", "button_click")),
            (
                Kind.CUSTOM,
                ("focus_form", "change_form", "social_interaction", "transaction_item", "consent_preferences")
                + ("application_foreground", "application_background", "application_install", "screen_end")
                + ("web_vitals", "application_error", "timing", "ad_impression", "ad_click", "ad_conversion"),
            ),
        ),
    ),
    (
        "Shopify",
        (
            (Kind.PAGE_VIEW, ("page_viewed",)),
            (Kind.LIST_VIEW, ("collection_viewed",)),
            (Kind.PRODUCT_VIEW, ("product_viewed",)),
            (Kind.SEARCH, ("search_submitted",)),
            (Kind.CART_ADD, ("product_added_to_cart",)),
            (Kind.CART_REMOVE, ("product_removed_from_cart",)),
            (Kind.CART_VIEW, ("cart_viewed",)),
            (
                Kind.CHECKOUT_START,
                ("checkout_started", "checkout_address_info_submitted", "checkout_contact_info_submitted")
                + ("checkout_shipping_info_submitted",),
            ),
            (Kind.PAYMENT_INFO, ("payment_info_submitted",)),
            (Kind.ORDER, ("checkout_completed",)),
        ),
    ),
    (
        "Meta pixel",
        (
            (Kind.PAGE_VIEW, ("PageView",)),
            (Kind.PRODUCT_VIEW, ("ViewContent",)),
            (Kind.SEARCH, ("Search",)),
            (Kind.CART_ADD, ("AddToCart",)),
            (Kind.WISHLIST_ADD, ("AddToWishlist",)),
            (Kind.CHECKOUT_START, ("InitiateCheckout",)),
            (Kind.PAYMENT_INFO, ("AddPaymentInfo",)),
            (Kind.ORDER, ("Purchase",)),
            (Kind.SIGN_UP, ("CompleteRegistration",)),
            (Kind.FORM, ("Lead",)),
        ),
    ),
    (
        "Footfall",
        # `identify` is a call, not a name, and only the engine ends sessions.
        tuple((kind, (kind.name.lower(),)) for kind in Kind if kind not in (Kind.IDENTIFY, Kind.SESSION_END)),
    ),
)


def folded(name: str) -> str:
    """The form in which names are compared: lower case, words separated by one space."""
    spaced = _BEFORE_CAPITAL.sub(" ", name[:NAME_MAX]).translate(_SEPARATORS)
    return " ".join(spaced.lower().split())


def table() -> list[tuple[str, str, Kind]]:
    """Every documented name as ``(client, name, kind)``, in the order of ``docs/events.md``."""
    return [(client, name, kind) for client, groups in _CLIENTS for kind, names in groups for name in names]


KINDS_BY_NAME: dict[str, Kind] = {folded(name): kind for _, name, kind in table()}
"""Kind by folded name."""

_KINDS_BY_TYPE = {
    "page": Kind.PAGE_VIEW,
    "screen": Kind.PAGE_VIEW,
    "identify": Kind.IDENTIFY,
    "alias": Kind.CUSTOM,
    "group": Kind.CUSTOM,
}


def kind_of(type: str, event: str | None) -> Kind:
    """The canonical kind of a call of this ``type`` whose ``event`` has this name."""
    by_type = _KINDS_BY_TYPE.get(type)
    if by_type is not None:
        return by_type
    return KINDS_BY_NAME.get(folded(event), Kind.CUSTOM) if event else Kind.CUSTOM


def table_as_markdown() -> str:
    """The table as it stands in ``docs/events.md``: one row a client and kind."""
    lines = ["| client | kind | names |", "|---|---|---|"]
    for client, groups in _CLIENTS:
        for kind, names in groups:
            lines.append(f"| {client} | `{kind.name.lower()}` | {', '.join(f'`{name}`' for name in names)} |")
    return "\n".join(lines) + "\n"
