"""The codes of currencies in which a price can be stated, and the digits of their minor units.

A code that nobody gave out is a slip of the pen: with it prices would be stored that no question
for the right one finds.

References
----------
ISO 4217, list one (active codes, funds and metals) and, of list three, what was withdrawn since
2009, when the first coin had a price: an old price may be in such a currency.
"""

from __future__ import annotations

_ACTIVE = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL
GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS
VED VES VND VUV WST XAD XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR ZMW ZWG
"""
_WITHDRAWN = """
ANG BGN BYR CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL
"""

CODES = frozenset(f"{_ACTIVE} {_WITHDRAWN}".split())
"""All of them. ``XXX`` (no currency) and ``XTS`` (a test) are none."""

_WHOLE = frozenset(
    {"BIF", "BYR", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
     "VND", "VUV", "XAF", "XOF", "XPF"}
)  # fmt: skip
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_TEN_THOUSANDTHS = frozenset({"CLF", "UYW"})
UNLIKE_HUNDREDTHS = {
    **dict.fromkeys(_WHOLE, 0),
    **dict.fromkeys(_THOUSANDTHS, 3),
    **dict.fromkeys(_TEN_THOUSANDTHS, 4),
}
"""Digits of the minor unit of the currencies that do not have two; metals and the units of account
of banks have none and are shown with two."""
