"""The texts of the benchmark of 205 languages: of known language, of none, and of languages that have no class."""

import base64
import random
import unicodedata
import uuid

from langdetect_200_samples import CODE, NAMES
from langdetect_data import Labeled
from languages_data import classes, is_unspaced, other_languages, texts

FIRST_WORDS, FIRST_CHARACTERS = 3, 8
LEAST_LETTERS = 4
DOCUMENT = 5
# A joiner is part of a word, and so is the mark between two syllables of Tibetan.
_INSIDE_WORDS = "\u200c\u200d\u0f0b"
# The classes whose texts are read in the wrong encoding: none of their letters is ASCII.
MOJIBAKE_OF = ("amh_Ethi", "arb_Arab", "bak_Cyrl", "bod_Tibt", "hin_Deva", "jpn_Jpan", "rus_Cyrl", "zho_Hans")
ENCODINGS = ("latin-1", "cp1252", "koi8-r")
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def known_sets(most: int) -> dict[str, Labeled]:
    """Test texts with their classes: at most `most` of each class, taken at even distances."""
    sib = {name: texts(name, "sib", "test") for name in classes()}
    sentences = [(text, name) for name, found in sib.items() for text in evenly(found, most)]
    return {
        "sentences": sentences,
        "three words": [(first_words(text, name), name) for text, name in sentences],
        "one word": [
            (word, name) for place, (text, name) in enumerate(sentences) if (word := one_word(text, name, place))
        ],
        "documents": [(text, name) for name, found in sib.items() for text in evenly(documents(found), most)],
        "news": [(text, name) for name in classes() for text in evenly(texts(name, "ntrex", "test"), most)],
        "declaration": [(text, name) for name in classes() for text in evenly(texts(name, "udhr", "test"), most)],
    }


def open_sets(each: int) -> dict[str, list[str]]:
    """Texts of no class: `each` paragraphs of every other language, and `10 * each` texts of what is made at random."""
    rng = random.Random(0)
    count = 10 * each
    return {
        "other languages": [text for found in other_languages().values() for text in evenly(found, each)],
        "random letters": [_random_words(rng) for _ in range(count)],
        "keyboard mash": [_mash(rng) for _ in range(count)],
        "URLs": [_url(rng) for _ in range(count)],
        "numbers": [_numbers(rng) for _ in range(count)],
        "base64, hexadecimal": [_encoded(rng) for _ in range(count)],
        "code": list(CODE),
        "mojibake": [text for name in MOJIBAKE_OF for text in mojibake(evenly(texts(name, "sib", "test"), each))],
        "lists of names": [", ".join(rng.sample(NAMES, 5)) for _ in range(count)],
    }


def evenly(found: list[str], most: int) -> list[str]:
    """Return at most `most` of the texts, taken at even distances."""
    count = min(most, len(found))
    return [found[place * len(found) // count] for place in range(count)]


def first_words(text: str, name: str) -> str:
    """The first three words, or eight characters."""
    return text[:FIRST_CHARACTERS] if is_unspaced(name) else " ".join(text.split()[:FIRST_WORDS])


def one_word(text: str, name: str, seed: int) -> str:
    """A random word of four letters or more, or four characters in a row; empty if the text has none."""
    rng = random.Random(seed)
    words = [word for word in letter_runs(text) if len(word) >= LEAST_LETTERS]
    if not words:
        return ""
    word = rng.choice(words)
    if not is_unspaced(name):
        return word
    start = rng.randrange(len(word) - LEAST_LETTERS + 1)
    return word[start : start + LEAST_LETTERS]


def letter_runs(text: str) -> list[str]:
    """Everything between two characters that are no letter and no mark."""
    return "".join(
        character if unicodedata.category(character)[0] in "LM" or character in _INSIDE_WORDS else " "
        for character in text
    ).split()


def documents(found: list[str]) -> list[str]:
    """Five texts in one, each text once."""
    return [" ".join(found[first : first + DOCUMENT]) for first in range(0, len(found) - DOCUMENT + 1, DOCUMENT)]


def mojibake(found: list[str]) -> list[str]:
    """UTF-8 read as something else."""
    return [text.encode().decode(encoding, "replace") for encoding in ENCODINGS for text in found]


def _random_words(rng: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return " ".join("".join(rng.choices(letters, k=rng.randint(2, 10))) for _ in range(rng.randint(4, 12)))


def _mash(rng: random.Random) -> str:
    """Fingers that run along one row of the keyboard, to and fro."""
    words = []
    for _ in range(rng.randint(2, 6)):
        row = rng.choice(KEYS)
        place, word = rng.randrange(len(row)), ""
        for _ in range(rng.randint(4, 12)):
            word += row[place]
            place = min(max(place + rng.choice((-2, -1, 1, 1, 2)), 0), len(row) - 1)
        words.append(word)
    return " ".join(words)


def _url(rng: random.Random) -> str:
    host = "".join(rng.choices("abcdefghiklmnoprstuvw", k=rng.randint(4, 10)))
    path = "/".join("".join(rng.choices("abcdefghijkmnprstuvwxyz0123456789-", k=rng.randint(2, 9))) for _ in range(3))
    start = rng.choice(("https://", "http://www.", "www.", ""))
    end = rng.choice(("", f"?id={rng.randrange(10**6)}", "/index.html", f"#s{rng.randrange(20)}"))
    return f"{start}{host}.{rng.choice(('com', 'org', 'net', 'io', 'de', 'co.uk'))}/{path}{end}"


def _numbers(rng: random.Random) -> str:
    date = f"{rng.randint(1990, 2030)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    phone = f"+{rng.randint(1, 99)} {rng.randint(10, 999)} {rng.randint(10**5, 10**7)}"
    price = f"{rng.randint(1, 9999)},{rng.randint(0, 99):02d} €"
    formula = f"{rng.randint(1, 99)} x {rng.randint(1, 99)} = {rng.randint(1, 9999)}"
    serial = f"{rng.choice('ABCKQXZ')}{rng.choice('BDGHW')}-{rng.randint(1000, 99999)}/{rng.choice('abkx')}"
    return " ".join(rng.sample((date, phone, price, formula, serial), rng.randint(1, 3)))


def _encoded(rng: random.Random) -> str:
    data = rng.randbytes(rng.randint(12, 60))
    return rng.choice((base64.b64encode(data).decode(), data.hex(), str(uuid.UUID(bytes=data[:12] + b"1234"))))
