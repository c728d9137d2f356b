"""A hit tells its channel by click id, campaign and referrer, or says nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.base.codes import Channel
from footfall.events.channel import Arrival, arrival
from footfall.events.wire import Campaign

PAGE = "https://www.shop.example/x"


@pytest.mark.parametrize(
    ("query", "channel", "source", "campaign", "keyword"),
    [
        ("gclid=abc", Channel.PAID_SEARCH, "google", "", ""),
        ("wbraid=abc", Channel.PAID_SEARCH, "google", "", ""),
        ("msclkid=abc", Channel.PAID_SEARCH, "bing", "", ""),
        ("ttclid=abc", Channel.PAID_SOCIAL, "tiktok", "", ""),
        ("li_fat_id=abc", Channel.PAID_SOCIAL, "linkedin", "", ""),
        ("fbclid=abc", Channel.ORGANIC_SOCIAL, "facebook", "", ""),
        ("fbclid=abc&utm_source=fb&utm_medium=paid_social", Channel.PAID_SOCIAL, "facebook", "", ""),
        ("gclid=abc&utm_source=google&utm_medium=display", Channel.DISPLAY, "google", "", ""),
        ("gclid=abc&utm_source=google&utm_medium=organic", Channel.PAID_SEARCH, "google", "", ""),
        ("awc=1", Channel.AFFILIATE, "awin", "", ""),
        ("utm_source=google&utm_medium=cpc&utm_term=red+boots", Channel.PAID_SEARCH, "google", "", "red boots"),
        ("utm_source=www.google.com&utm_medium=cpc", Channel.PAID_SEARCH, "www.google.com", "", ""),
        ("utm_source=instagram&utm_medium=cpm", Channel.PAID_SOCIAL, "instagram", "", ""),
        ("utm_source=partnersite&utm_medium=cpm", Channel.DISPLAY, "partnersite", "", ""),
        ("utm_source=youtube&utm_medium=cpv_paid", Channel.DISPLAY, "youtube", "", ""),
        ("utm_source=x&utm_medium=banner", Channel.DISPLAY, "x", "", ""),
        ("utm_source=Klaviyo&utm_medium=Email&utm_campaign=Spring", Channel.EMAIL, "klaviyo", "Spring", ""),
        ("utm_source=newsletter", Channel.EMAIL, "newsletter", "", ""),
        ("utm_source=facebook&utm_medium=social", Channel.ORGANIC_SOCIAL, "facebook", "", ""),
        ("utm_source=bing", Channel.ORGANIC_SEARCH, "bing", "", ""),
        ("utm_source=awin&utm_medium=affiliate", Channel.AFFILIATE, "awin", "", ""),
        ("utm_medium=sms", Channel.SMS, "", "", ""),
        ("utm_medium=web-push", Channel.PUSH, "", "", ""),
        ("utm_source=flyer.example&utm_medium=referral", Channel.REFERRAL, "flyer.example", "", ""),
        ("utm_source=poster&utm_medium=print", Channel.OTHER, "poster", "", ""),
    ],
)
def test_the_address_tells(query, channel, source, campaign, keyword):
    assert arrival(f"{PAGE}?{query}", "", None) == Arrival(channel, source, campaign, keyword)


@pytest.mark.parametrize(
    ("referrer", "channel", "source", "keyword"),
    [
        ("https://www.google.co.uk/search?q=red+shoes", Channel.ORGANIC_SEARCH, "google", "red shoes"),
        ("https://www.google.com/", Channel.ORGANIC_SEARCH, "google", ""),
        ("https://yandex.ru/search/?text=%D0%BE", Channel.ORGANIC_SEARCH, "yandex", "о"),
        ("https://search.yahoo.com/search?p=hat", Channel.ORGANIC_SEARCH, "yahoo", "hat"),
        ("https://duckduckgo.com/", Channel.ORGANIC_SEARCH, "duckduckgo", ""),
        ("https://search.brave.com/search?q=a", Channel.ORGANIC_SEARCH, "brave", "a"),
        ("android-app://com.google.android.googlequicksearchbox/", Channel.ORGANIC_SEARCH, "google", ""),
        ("https://l.facebook.com/", Channel.ORGANIC_SOCIAL, "facebook", ""),
        ("https://t.co/abc", Channel.ORGANIC_SOCIAL, "twitter", ""),
        ("https://m.youtube.com/watch", Channel.ORGANIC_SOCIAL, "youtube", ""),
        ("https://mail.google.com/mail/u/0", Channel.EMAIL, "gmail", ""),
        ("android-app://com.google.android.gm/", Channel.EMAIL, "gmail", ""),
        ("https://docs.google.com/x", Channel.REFERRAL, "docs.google.com", ""),
        ("https://google.evil.example/search?q=x", Channel.REFERRAL, "google.evil.example", ""),
        ("https://blog.other.org/post", Channel.REFERRAL, "blog.other.org", ""),
    ],
)
def test_the_referrer_tells(referrer, channel, source, keyword):
    assert arrival(PAGE, referrer, None) == Arrival(channel, source, "", keyword)


@pytest.mark.parametrize(
    ("url", "referrer"),
    [
        (PAGE, ""),
        (PAGE, "https://shop.example/y"),
        (PAGE, "https://checkout.shop.example/"),
        ("https://www.shop.co.uk/", "https://pay.shop.co.uk/"),
        (PAGE, "https://www.paypal.com/checkout"),
        (PAGE, "not a url"),
        (PAGE, "http://[::1"),
        ("/only/a/path", "https://who.knows.example/"),
        ("", ""),
    ],
)
def test_own_pages_payment_and_nonsense_say_nothing(url, referrer):
    assert arrival(url, referrer, None) is None


def test_neighbours_under_one_public_suffix_are_not_the_same_shop():
    assert arrival("https://a.co.uk/", "https://b.co.uk/", None) == Arrival(Channel.REFERRAL, "b.co.uk")


def test_the_campaign_object_goes_before_the_address():
    given_by_client = Campaign(source="Newsletter", medium="email", name="May")
    found = arrival(f"{PAGE}?utm_source=google&utm_medium=cpc&utm_term=x", "https://www.google.com/", given_by_client)
    assert found == Arrival(Channel.EMAIL, "newsletter", "May", "x")
    assert arrival(PAGE, "", Campaign()) is None


def test_a_campaign_of_which_only_the_name_is_known_takes_its_channel_from_the_referrer():
    found = arrival(f"{PAGE}?utm_campaign=May", "https://l.instagram.com/", None)
    assert found == Arrival(Channel.ORGANIC_SOCIAL, "instagram", "May", "")


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=50))
def test_no_text_raises_and_all_outcomes_are_bounded(url, referrer, text):
    for found in (
        arrival(url, referrer, Campaign(source=text, medium=text, name=text)),
        arrival(f"http://a.b/?{url}", f"http://{referrer}", None),
    ):
        assert found is None or all(len(part) <= 100 for part in found[1:])
