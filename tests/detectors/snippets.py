"""Sentences, and short pieces of them."""

from collections.abc import Sequence
from typing import Any, Optional

from spacy_xlt.detectors.base import Detector, decide

SENTENCES = {
    "en": "Where is the parcel that I ordered two weeks ago?",
    "de": "Wo bleibt das Paket, das ich vor zwei Wochen bestellt habe?",
    "fr": "Où est le colis que j'ai commandé il y a deux semaines ?",
    "es": "¿Dónde está el paquete que pedí hace dos semanas?",
    "it": "Dov'è il pacco che ho ordinato due settimane fa?",
    "pt": "Onde está a encomenda que pedi há duas semanas?",
    "tr": "İki hafta önce sipariş ettiğim paket nerede?",
    "vi": "Gói hàng tôi đặt hai tuần trước ở đâu?",
    "ru": "Где посылка, которую я заказал две недели назад?",
    "ar": "أين الطرد الذي طلبته قبل أسبوعين؟",
    "hi": "दो हफ्ते पहले मैंने जो पार्सल मंगवाया था वह कहाँ है?",
    "ja": "二週間前に注文した荷物はどこですか。",
    "sw": "Kifurushi nilichoagiza wiki mbili zilizopita kiko wapi?",
    "zh": "我两周前订购的包裹在哪里？",
}
# Scripts of one language each, known or not to a back end.
OWN_SCRIPTS = {
    "ko": "소포가 어디에 있습니까?",
    "th": "พัสดุของฉันอยู่ที่ไหน",
    "el": "Πού είναι το δέμα μου;",
    "he": "איפה החבילה שלי?",
    "ka": "სად არის ჩემი ამანათი?",
    "hy": "Որտե՞ղ է իմ ծանրոցը:",
    "ta": "என் பார்சல் எங்கே?",
    "bn": "আমার পার্সেল কোথায়?",
    "am": "ጥቅሌ የት ነው?",
    "my": "ကျွန်တော့်ပါဆယ် ဘယ်မှာလဲ",
    "ja": "の",
}


def first_words(text: str, language: str) -> str:
    """The first three words; eight characters where there are no spaces between words."""
    return text[:8] if language in ("ja", "zh") else " ".join(text.split()[:3])


def accuracy(detector: Detector, texts: Sequence[tuple[str, str]], languages: Optional[Any] = None) -> float:
    answers = detector.detect([text for text, _ in texts], languages)
    pairs = zip(answers, (language for _, language in texts))
    return sum(decide(answer).language == language for answer, language in pairs) / len(texts)
