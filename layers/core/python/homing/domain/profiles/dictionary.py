"""What profiles in format 2 have in common, as a dictionary for their compression: the names that Homing and Segment's
spec give to things, in the shape in which :mod:`homing.domain.profiles.codec` writes them.

A profile is short, so most of what a compressor could learn from it is over before it has learned it; given this text it
knows from the first byte. The text is part of the format: profiles that were written with it can't be read without it,
letter by letter. Another text is another format.
"""

from __future__ import annotations

# zstd looks back from the end: the most common comes last.
_PARTS = (
    '[["profile_merged","",17,"",{"from":"","segments":["',
    '["segment_left","",17,"",{"segment":""}],["segment_entered","",17,"",{"segment":"","news":false}],',
    '["birthday","birthday",17,"20",{"year":20}],["order_placed","order-1",17,"",{"nth":1,"order":{"order_id":"",',
    '["browse_abandoned","browse",17,"",{"products":[{"product_id":"","views":3,',
    '["cart_abandoned","cart",17,"@0",{"cart":{"key":"@0","token":"","items":[{"product_id":"","quantity":1,"price":}],',
    '"last_activity":"2026-01-01T00:00:00Z"}}],',
    '"x":["],"d":["email|"],"n":["],"p":["],"h":["],"y":[[{',
    '"q":{"lifecycle":["prospect","first_time","active","loyal","at_risk","lapsed","lost",0],"persona":["bargain","seasonal",0]},',
    '"l":{"":[0,true],"list":[0,false]},',
    '"accepts_marketing":true,"consent":{"marketing":true},"gender":"male","female","age":,"state":"","postal_code":"",',
    '"address":{"street":"","city":"","postal_code":"","country":""},"phone":"+49","title":"","company":"","name":"',
    '"loyalty_tier":"gold","silver","timezone":"America/New_York","locale":"de-DE","en-US","firstName":"lastName":"createdAt":"',
    '"send_id","machine","category","brand","device","mobile","desktop","tablet","weight","order_id","status","topic"',
    '"name":"","image_url":"https://www.com/images/.jpg","url":"https://www.com/products/","category":"","brand":"","sku":"",',
    '"variant":"","discount":,"coupon":"","tax":,"shipping":,"currency":"USD",',
    '["total","revenue","currency"],["EUR","EUR","EUR","EUR","EUR"]],["order_id","total"],["order_id","total","products"],',
    '["product_id","category","brand"],["total"],[',
    '}]]},"k":[{"*":[[0,1,1,1,1],[[""]],[[""]],[[""]]]}],"v":[1000000,0,1,',
    '"remove",[{"product_id":"","quantity":1}]],["add",[{"product_id":"","quantity":1,"price":}]],["touch",[]],["forget",[]],',
    '"=":[[0],["",""]],"":[[0],["set",[{"product_id":"","quantity":1,"price":.0},{"product_id":"","quantity":2,"price":9.5}]]]}],',
    '"shopify","import","csv","quiz","woocommerce",',
    '{"i":{"device_id":[""],"loyalty_id":[""],"email":["@example.com"],"user_id":["74000',
    '"],"email":["@example.org","@gmail.com"],"anonymous_id":["',
    '"]},"t":[[{"email":"@example.com","first_name":"Anna","last_name":"Müller","country":"DE","city":"Berlin","language":"de",',
    '"time_zone":"Europe/Berlin","created_at":"2026-01-01T08:00:00Z","birthday":"1980-01-01","marketing_consent":true',
    '},2,0,"segment"]],"c":{"marketing":[1,0,true,"segment","trait marketing_consent"],',
    '[1,0,false,"segment","trait consent"],[2,0,false,"segment","Yes, write to me."],"*":[2,0,true,"preferences",""]},"m":{"',
    '"@orders":[[0,1],null,[{"order_id":"1","total":20.4,"revenue":15.5,"currency":"EUR","products":[{"product_id":"","price":15.5,',
    '"currency":"EUR","quantity":1},{"product_id":"","price":12.0,"currency":"EUR","quantity":1}]}]],',
    '"@views":[[3],null,[{"product_id":"","price":.0,"currency":"EUR"}]],"@bought":0,',
    '"@views":[[0,1,1,1,1,1,1,1,1,1,1,1],["product_id","price","currency"],["","",""],[.0,.5,.0],["EUR","EUR","EUR","EUR"]],',
    '"c.cancelled":0,"c.refunds":[0],"c.touches":[[0,1,1,1],["w","p"],[1,3,5],[[["","","",1]],[["","Garden","",3]]]],',
    '"c.orders":[[0,1,1,1,1,1,1],["t"],{"10000":[1999,2490,350]}],',
    '"@bought":1},"k":[{}],"k":[{"*":[[0],[["',
    '"]]]}],"v":[1,2000000,',
    '],"r":"","a":0,"z":2000000,"g":["@customers","@review","engaged","hesitating","open-cart","new-customers","vip","lapsed"],',
    '"e":17900000,"w":null,"s":[1,0,0,0,0,0,0,0,0,0,1000000,0,1,1,1,1,1,1,1,1,1,1,1,1,1]}',
)
DICTIONARY = "".join(_PARTS).encode()
