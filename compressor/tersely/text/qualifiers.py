"""Qualifiers: words that negate or limit a clause. They are never cut away from the rest of their sentence.

A list for each language, of whole words in lower case. It need not be complete to be of use.
"""

from __future__ import annotations

import regex

_ENGLISH = """
no not never nobody none nothing nowhere neither nor cannot without hardly scarcely barely rarely seldom few little
except excepting excluding save unless only solely merely if until till but however although though whereas while
provided otherwise despite instead rather than less fewer least most maximum minimum unlikely allegedly reportedly
supposedly denies denied deny denying refuses refused false falsely untrue would could might may unproven fails failed
lacks lacked ceased stopped prohibited forbidden banned limited subject besides apart unable when where before after
"""
_GERMAN = """
nicht kein keine keinen keinem keiner keines nie niemals niemand niemanden niemandem nichts nirgends nirgendwo weder
noch ohne kaum selten außer ausgenommen ausschließlich nur lediglich bloß wenn falls sofern soweit solange bis aber
jedoch obwohl obgleich sondern statt anstatt höchstens mindestens maximal minimal angeblich bestreitet bestritt verboten
untersagt vorausgesetzt denn bevor nachdem trotz ungeachtet allenfalls
"""
_FRENCH = """
ne n pas jamais aucun aucune personne rien nulle ni sans guère rarement sauf excepté hormis seulement uniquement si
jusqu jusque mais cependant toutefois quoique bien malgré sinon lorsque quand moins plus prétendument nie interdit
pourvu condition avant après
"""
_SPANISH = """
no nunca jamás nadie ningún ninguna ninguno nada tampoco ni sin apenas raramente excepto salvo menos solo sólo solamente
únicamente si hasta pero sino aunque siempre cuando condición mientras supuestamente niega negó prohibido prohibida
máximo mínimo antes después
"""
_SPACED = regex.compile(
    rf"(?<!\w)(?:{'|'.join(sorted({*_ENGLISH.split(), *_GERMAN.split(), *_FRENCH.split(), *_SPANISH.split()}))})(?!\w)"
    r"|\p{L}n['’]t\b",
    regex.IGNORECASE,
)
_CHINESE = regex.compile(
    r"不|没|沒|无|無|未|非|别|莫|勿|否|除|仅|僅|只|才|若|如果|假如|要是|倘|但|然而|却|卻|虽|雖|除非|直到|以前|之前|至多|最多"
    r"|至少|最少|禁止|难以|几乎|ない|なかっ|ませ|ぬ|ず|以外|限り|のみ|だけ|しか|もし|なら|れば|たら|が、|しかし|まで|ただし"
)
_ARABIC = regex.compile(
    r"(?<!\w)[وف]?(?:لا|لم|لن|ليس|ليست|ليسوا|ما|غير|بدون|دون|أبدا|أبداً|قط|إلا|الا|سوى|عدا|باستثناء|فقط|إذا|اذا|إن|لو|لولا"
    r"|حتى|لكن|بل|رغم|بشرط|شرط|ممنوع|نادرا|نادراً|بالكاد|ولا|أي|أحد|قبل|بعد|مالم)(?!\w)"
)


def has_qualifier(text: str) -> bool:
    """Whether a text has a word whose loss may change what the rest of it says."""
    return any(pattern.search(text) for pattern in (_SPACED, _CHINESE, _ARABIC))
