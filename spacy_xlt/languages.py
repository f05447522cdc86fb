"""One place for language codes: every code a tool or a data set uses is brought to one base code.

A base code is ISO 639-1 where there is one (`de`), ISO 639-3 where there is none (`ceb`), `xx` for unknown.
"""

import unicodedata
from difflib import get_close_matches
from functools import lru_cache

from spacy_xlt.errors import XltError

UNKNOWN = "xx"

# code, ISO 639-3 code and other codes that mean the same to us, English name
_TABLE = """
aa aar Afar
ab abk Abkhazian
af afr Afrikaans
ak aka,twi,tw,fat Akan
am amh Amharic
an arg Aragonese
ar ara,arb,acm,acq,aeb,ajp,apc,ars,ary,arz Arabic
as asm Assamese
av ava Avaric
ay aym,ayr Aymara
az aze,azj,azb Azerbaijani
ba bak Bashkir
be bel Belarusian
bg bul Bulgarian
bi bis Bislama
bm bam Bambara
bn ben Bengali
bo bod,tib Tibetan
br bre Breton
bs bos Bosnian
ca cat Catalan
ce che Chechen
co cos Corsican
cs ces,cze Czech
cv chv Chuvash
cy cym,wel Welsh
da dan Danish
de deu,ger German
dv div Divehi
dz dzo Dzongkha
ee ewe Ewe
el ell,gre Greek
en eng English
eo epo Esperanto
es spa Spanish
et est,ekk Estonian
eu eus,baq Basque
fa fas,per,pes,prs Persian
ff ful,fuv Fulah
fi fin Finnish
fj fij Fijian
fo fao Faroese
fr fra,fre French
fy fry Western_Frisian
ga gle Irish
gd gla Scottish_Gaelic
gl glg Galician
gn grn,gug Guarani
gu guj Gujarati
gv glv Manx
ha hau Hausa
he heb,iw Hebrew
hi hin Hindi
hr hrv Croatian
ht hat Haitian_Creole
hu hun Hungarian
hy hye,arm Armenian
ia ina Interlingua
id ind,in Indonesian
ie ile Interlingue
ig ibo Igbo
io ido Ido
is isl,ice Icelandic
it ita Italian
iu iku Inuktitut
ja jpn Japanese
jv jav,jw Javanese
ka kat,geo Georgian
kg kon Kongo
ki kik Kikuyu
kk kaz Kazakh
kl kal Kalaallisut
km khm Khmer
kn kan Kannada
ko kor Korean
ks kas Kashmiri
ku kur,kmr Kurdish
kv kom Komi
kw cor Cornish
ky kir Kyrgyz
la lat Latin
lb ltz Luxembourgish
lg lug Ganda
li lim Limburgish
ln lin Lingala
lo lao Lao
lt lit Lithuanian
lv lav,lvs Latvian
mg mlg,plt Malagasy
mi mri,mao Maori
mk mkd,mac Macedonian
ml mal Malayalam
mn mon,khk Mongolian
mr mar Marathi
ms msa,may,zsm Malay
mt mlt Maltese
my mya,bur Burmese
ne nep,npi Nepali
nl nld,dut Dutch
nn nno Norwegian_Nynorsk
no nor,nob,nb Norwegian
ny nya Nyanja
oc oci Occitan
om orm,gaz Oromo
or ori,ory Odia
os oss Ossetian
pa pan Punjabi
pl pol Polish
ps pus,pbt Pashto
pt por Portuguese
qu que,quy Quechua
rm roh Romansh
rn run Rundi
ro ron,rum,mo Romanian
ru rus Russian
rw kin Kinyarwanda
sa san Sanskrit
sc srd Sardinian
sd snd Sindhi
se sme Northern_Sami
sg sag Sango
si sin Sinhala
sk slk,slo Slovak
sl slv Slovenian
sm smo Samoan
sn sna Shona
so som Somali
sq sqi,alb,als Albanian
sr srp Serbian
ss ssw Swati
st sot Southern_Sotho
su sun Sundanese
sv swe Swedish
sw swa,swh Swahili
ta tam Tamil
te tel Telugu
tg tgk Tajik
th tha Thai
ti tir Tigrinya
tk tuk Turkmen
tl tgl,fil Tagalog
tn tsn Tswana
to ton Tongan
tr tur Turkish
ts tso Tsonga
tt tat Tatar
ug uig Uyghur
uk ukr Ukrainian
ur urd Urdu
uz uzb,uzn Uzbek
vi vie Vietnamese
vo vol Volapük
wa wln Walloon
wo wol Wolof
xh xho Xhosa
yi yid,ydd,ji Yiddish
yo yor Yoruba
za zha Zhuang
zh zho,chi,cmn Chinese
zu zul Zulu
ast ast Asturian
bar bar Bavarian
bho bho,bh Bhojpuri
ceb ceb Cebuano
ckb ckb Central_Kurdish
hsb hsb Upper_Sorbian
ilo ilo Ilocano
mai mai Maithili
pap pap Papiamento
scn scn Sicilian
war war Waray
wuu wuu Wu_Chinese
yue yue Cantonese
"""


def _read_table() -> tuple[dict[str, str], dict[str, str]]:
    base_of: dict[str, str] = {}
    name_of: dict[str, str] = {UNKNOWN: "unknown"}
    for line in _TABLE.strip().splitlines():
        code, others, name = line.split()
        name_of[code] = name.replace("_", " ")
        for other in [code, *others.split(",")]:
            base_of[other] = code
    return base_of, name_of


_BASE_OF, _NAME_OF = _read_table()
_MEANS_UNKNOWN = {"", "xx", "und", "unknown", "un", "mul", "zxx"}


def base_code(code: str) -> str:
    """Bring a language code to its base code.

    `zho_Hans`, `cmn`, `zh-cn` -> `zh`; `swh` -> `sw`; `pt-BR` -> `pt`; `und` and the empty string -> `xx`.
    A code that is not in the table is returned without script and region, in lower case.
    """
    primary = code.strip().replace("_", "-").split("-")[0].strip().lower()
    if primary in _MEANS_UNKNOWN:
        return UNKNOWN
    return _BASE_OF.get(primary, primary)


def is_known(code: str) -> bool:
    """Whether the table has a language of this code."""
    return base_code(code) in _NAME_OF and base_code(code) != UNKNOWN


def name(code: str) -> str:
    """The English name of a language, or the code itself where the table has none."""
    return _NAME_OF.get(base_code(code), code)


def find_language(language: str) -> str:
    """Return the base code of a language: `deu`, `de-AT` and `German` are `de`.

    Args:
        language: A code, or an English name in any case.

    Returns:
        The base code.

    Raises:
        XltError: It is neither a known code nor a name, or a code that means `unknown`. The message has the most
            similar name.
    """
    base = base_code(language)
    if base == UNKNOWN:
        raise XltError(f"'{language}' names no language. Give a code such as de, or an English name such as German.")
    if base in _NAME_OF:
        return base
    code_of = _codes_of_names()
    if _plain(language) in code_of:
        return code_of[_plain(language)]
    near = nearest_language(language)
    hint = f"Did you mean {near}?" if near else "Give a code such as de, or an English name such as German."
    raise XltError(f"'{language}' is no language that is known. {hint}")


def as_base_code(language: str) -> str:
    """`find_language`, where a language may also be unknown: `xx` for `xx`, `und` and the empty string."""
    return UNKNOWN if base_code(language) == UNKNOWN else find_language(language)


@lru_cache(maxsize=1024)
def nearest_language(language: str) -> str:
    """The name and code of the language whose name is most like a mistyped one; empty if none is."""
    code_of = _codes_of_names()
    near = get_close_matches(_plain(language), code_of, n=1, cutoff=0.7)
    return f"{name(code_of[near[0]])} ({code_of[near[0]]})" if near else ""


@lru_cache(maxsize=1)
def _codes_of_names() -> dict[str, str]:
    return {_plain(known): code for code, known in _NAME_OF.items() if code != UNKNOWN}


def _plain(language: str) -> str:
    """A name without what people write in different ways: case, accents, hyphens."""
    letters = unicodedata.normalize("NFKD", language.replace("_", " ").replace("-", " ").casefold())
    return " ".join("".join(char for char in letters if not unicodedata.combining(char)).split())
