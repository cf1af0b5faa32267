"""What profiles have in common, as a dictionary for their compression: the names that Homing and Segment's spec give to
things, in the shape in which format 1 (:mod:`homing.domain.profiles.codec_format_1`) wrote them.

A profile is short, so most of what a compressor could learn from it is over before it has learned it; given this text it
knows from the first byte. The median profile of the simulated shop shrinks by a quarter. The text is part of format 1:
profiles that were written with it can't be read without it, letter by letter. Another text is another format.
"""

from __future__ import annotations

# zstd looks back from the end: the most common comes last.
_PARTS = (
    '[["profile_merged","",17,"",{"from":"","segments":[',
    '["segment_left","",17,"",{"segment":""}],["segment_entered","",17,"",{"segment":""}],',
    '["birthday","birthday",17,"20",{"year":20}],["order_placed","order-1",17,"",{"nth":1,"order":{"order_id":"",',
    '["browse_abandoned","browse",17,"",{"products":[{"product_id":"","views":3,',
    '["cart_abandoned","cart",17,"@0",{"cart":{"key":"@0","token":"","items":[{"product_id":"","quantity":1,"price":}],',
    '"last_activity":"2026-01-01T00:00:00Z"}}],',
    '"@orders":[[17,0,{"order_id":"","total":,"revenue":,"currency":"USD","products":[{"product_id":"","sku":"","variant":"",',
    '"quantity":1,"price":,"brand":"","coupon":"","discount":',
    '"accepts_marketing":true,"marketing_consent":"consent":{"marketing":true},"gender":"","age":,"state":"","postal_code":"",',
    '"address":{"street":"","city":"","country":""},"phone":"+","title":"","company":"","loyalty_tier":[2,17,"segment","gold"],',
    '"timezone":"Europe/Berlin","locale":"de-DE","language":[2,17,"segment","en"],"time_zone":[2,17,"segment","Europe/"],',
    '"country":[2,17,"segment","DE"],"city":[2,17,"segment",""],"birthday":[2,17,"segment","19"],',
    '"created_at":[2,17,"segment","20T00:00:00Z"],"email":[2,17,"segment","@gmail.com"],"first_name":[2,17,"segment",""],',
    '"last_name":[2,17,"segment",""],"firstName":"lastName":"createdAt":"name":',
    '"@bought":[[17,0,null]],"@views":[[17,0,{"product_id":"","name":"","price":.0,"currency":"EUR",',
    '"image_url":"https://www.com/images/.jpg","url":"https://www.com/products/","category":""}],[',
    '"*":{"":[17,[""]]}},"":[17,"add",[{"product_id":"","quantity":1,"price":}]],"set",[{"touch",[]],"shopify","import","csv",',
    '{"f":1,"i":{"user_id":[""],"email":["@example.com"],"anonymous_id":[""],"device_id":[""],"loyalty_id":[""]},',
    '"t":{"email":[2,17,"segment",""]},"c":{"marketing":[1,17,false,"segment","trait consent"]},',
    '"m":{"@views":[[17,0,null],[17],"k":{},"s":{"":17},"r":"","a":17,"z":17,',
    '"g":["engaged","open-cart","hesitating","new-customers","vip","lapsed"],"e":17,"w":null}',
)
PHRASES = "".join(_PARTS).encode()
