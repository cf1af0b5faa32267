"""The catalogue of event names: Segment's spec, its e-commerce and e-mail specs, and the few that Homing adds."""

from __future__ import annotations

PRODUCT_VIEWED = "Product Viewed"
PRODUCT_LIST_VIEWED = "Product List Viewed"
PRODUCTS_SEARCHED = "Products Searched"
PRODUCT_ADDED = "Product Added"
PRODUCT_REMOVED = "Product Removed"
CART_VIEWED = "Cart Viewed"
CHECKOUT_STARTED = "Checkout Started"
ORDER_COMPLETED = "Order Completed"
ORDER_UPDATED = "Order Updated"
ORDER_REFUNDED = "Order Refunded"
ORDER_CANCELLED = "Order Cancelled"
SIGNED_UP = "Signed Up"

EMAIL_SENT = "Email Sent"
EMAIL_DELIVERED = "Email Delivered"
EMAIL_OPENED = "Email Opened"
EMAIL_LINK_CLICKED = "Email Link Clicked"
EMAIL_BOUNCED = "Email Bounced"
EMAIL_MARKED_AS_SPAM = "Email Marked as Spam"
UNSUBSCRIBED = "Unsubscribed"

# Homing's own. A storefront that keeps whole carts sends the cart as it now is; consent given is an event too.
CART_UPDATED = "Cart Updated"
SUBSCRIBED = "Subscribed"
# A marketer's lists of people (`homing list`): the property `list` names which.
LIST_JOINED = "List Joined"
LIST_LEFT = "List Left"

# The calls of Segment's spec that carry no name of their own.
IDENTIFIED = "Identified"
ALIASED = "Aliased"
PAGE_VIEWED = "Page Viewed"
SCREEN_VIEWED = "Screen Viewed"
GROUPED = "Grouped"

NAMES_OF_CALLS = {
    "identify": IDENTIFIED,
    "alias": ALIASED,
    "page": PAGE_VIEWED,
    "screen": SCREEN_VIEWED,
    "group": GROUPED,
}

KNOWN = frozenset(value for name, value in list(globals().items()) if name.isupper() and isinstance(value, str))
