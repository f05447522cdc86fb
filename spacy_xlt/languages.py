"""One place for language codes: every code a tool or a data set uses is brought to one base code.

A base code is ISO 639-1 where there is one (`de`), ISO 639-3 where there is none (`ceb`), `xx` for unknown. Where a
language is written in several scripts, or has varieties, a code with its script tells more: ISO 639-3, `_`, ISO 15924
(`zho_Hant`, `srp_Latn`, `arz_Arab`).
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple, Optional, TypeVar

from spacy_xlt.errors import XltError

UNKNOWN = "xx"
ValueT = TypeVar("ValueT")

# Base code; ISO 639-3 code as in FLORES, then other codes of the same language / codes of its varieties; scripts, the
# most common first, with `+` between those that are in everyday use beside each other; English name.
_TABLE = """
aa aar Latn Afar
ab abk Cyrl Abkhazian
ae ave Avst Avestan
af afr Latn Afrikaans
ak aka,tw/twi,fat Latn Akan
am amh Ethi Amharic
an arg Latn Aragonese
ar arb,ara/aao,abv,acm,acq,acw,acx,aeb,aec,afb,ajp,apc,apd,arq,ars,ary,arz,ayl,ayn,mey,pga,shu Arab,Latn Arabic
as asm Beng,Latn Assamese
av ava Cyrl Avaric
ay ayr,aym/ayc Latn Aymara
az azj,aze/azb Latn,Arab,Cyrl Azerbaijani
ba bak Cyrl Bashkir
be bel Cyrl,Latn Belarusian
bg bul Cyrl,Latn Bulgarian
bi bis Latn Bislama
bm bam Latn,Nkoo Bambara
bn ben Beng,Latn Bengali
bo bod,tib Tibt Tibetan
br bre Latn Breton
bs bos Latn,Cyrl Bosnian
ca cat Latn Catalan
ce che Cyrl Chechen
ch cha Latn Chamorro
co cos Latn Corsican
cr cre/crk,cwd,crl Cans+Latn Cree
cs ces,cze Latn Czech
cu chu Cyrl Church_Slavic
cv chv Cyrl Chuvash
cy cym,wel Latn Welsh
da dan Latn Danish
de deu,ger Latn German
dv div Thaa Divehi
dz dzo Tibt Dzongkha
ee ewe Latn Ewe
el ell,gre Grek,Latn Greek
en eng Latn English
eo epo Latn Esperanto
es spa Latn Spanish
et est,ekk Latn Estonian
eu eus,baq Latn Basque
fa pes,fas,per/prs Arab,Latn Persian
ff fuv,ful/fuc,fub,fuf,fuh,ffm Latn,Adlm,Arab Fulah
fi fin Latn Finnish
fj fij Latn Fijian
fo fao Latn Faroese
fr fra,fre Latn French
fy fry Latn Western_Frisian
ga gle Latn Irish
gd gla Latn Scottish_Gaelic
gl glg Latn Galician
gn grn,gug Latn Guarani
gu guj Gujr,Latn Gujarati
gv glv Latn Manx
ha hau Latn,Arab Hausa
he heb,iw Hebr,Latn Hebrew
hi hin Deva,Latn Hindi
ho hmo Latn Hiri_Motu
hr hrv Latn Croatian
ht hat Latn Haitian_Creole
hu hun Latn Hungarian
hy hye,arm Armn,Latn Armenian
hz her Latn Herero
ia ina Latn Interlingua
id ind,in Latn Indonesian
ie ile Latn Interlingue
ig ibo Latn Igbo
ii iii Yiii Sichuan_Yi
ik ipk Latn Inupiaq
io ido Latn Ido
is isl,ice Latn Icelandic
it ita Latn Italian
iu iku/ike,ikt Cans+Latn Inuktitut
ja jpn Jpan,Latn Japanese
jv jav,jw Latn,Java Javanese
ka kat,geo Geor,Latn Georgian
kg kon/kng,ldi Latn Kongo
ki kik Latn Kikuyu
kj kua Latn Kuanyama
kk kaz Cyrl,Arab,Latn Kazakh
kl kal Latn Kalaallisut
km khm Khmr,Latn Khmer
kn kan Knda,Latn Kannada
ko kor Hang,Latn Korean
kr knc,kau/kby Latn+Arab Kanuri
ks kas Arab+Deva Kashmiri
ku kmr,kur Latn,Arab,Cyrl Kurdish
kv kpv,kom Cyrl Komi
kw cor Latn Cornish
ky kir Cyrl,Arab,Latn Kyrgyz
la lat Latn Latin
lb ltz Latn Luxembourgish
lg lug Latn Ganda
li lim Latn Limburgish
ln lin Latn Lingala
lo lao Laoo,Latn Lao
lt lit Latn Lithuanian
lu lub Latn Luba-Katanga
lv lvs,lav Latn Latvian
mg plt,mlg Latn Malagasy
mh mah Latn Marshallese
mi mri,mao Latn Maori
mk mkd,mac Cyrl,Latn Macedonian
ml mal Mlym,Latn Malayalam
mn khk,mon/mvf Cyrl,Mong,Latn Mongolian
mr mar Deva,Latn Marathi
ms zsm,msa,may/zlm,meo,mfa Latn,Arab Malay
mt mlt Latn Maltese
my mya,bur Mymr,Latn Burmese
na nau Latn Nauru
nd nde Latn North_Ndebele
ne npi,nep Deva,Latn Nepali
ng ndo Latn Ndonga
nl nld,dut Latn Dutch
nn nno Latn Norwegian_Nynorsk
no nob,nor,nb Latn Norwegian
nr nbl Latn South_Ndebele
nv nav Latn Navajo
ny nya Latn Nyanja
oc oci Latn Occitan
oj oji/ojb,ojg,ciw Cans+Latn Ojibwa
om gaz,orm/hae,gax Latn,Ethi Oromo
or ory,ori Orya,Latn Odia
os oss Cyrl Ossetian
pa pan Guru,Arab,Latn Punjabi
pi pli Deva+Latn+Sinh Pali
pl pol Latn Polish
ps pbt,pus/pbu,pst Arab,Latn Pashto
pt por Latn Portuguese
qu quy,que/quz,qug,quh Latn Quechua
rm roh Latn Romansh
rn run Latn Rundi
ro ron,rum,mo Latn,Cyrl Romanian
ru rus Cyrl,Latn Russian
rw kin Latn Kinyarwanda
sa san Deva,Latn Sanskrit
sc srd/sro,src Latn Sardinian
sd snd Arab,Deva,Latn Sindhi
se sme Latn Northern_Sami
sg sag Latn Sango
sh hbs Latn+Cyrl Serbo-Croatian
si sin Sinh,Latn Sinhala
sk slk,slo Latn Slovak
sl slv Latn Slovenian
sm smo Latn Samoan
sn sna Latn Shona
so som Latn,Osma Somali
sq als,sqi,alb/aae,aat,aln Latn Albanian
sr srp Cyrl+Latn Serbian
ss ssw Latn Swati
st sot Latn Southern_Sotho
su sun Latn,Sund Sundanese
sv swe Latn Swedish
sw swh,swa/swc Latn,Arab Swahili
ta tam Taml,Latn Tamil
te tel Telu,Latn Telugu
tg tgk Cyrl,Latn,Arab Tajik
th tha Thai,Latn Thai
ti tir Ethi Tigrinya
tk tuk Latn,Cyrl,Arab Turkmen
tl tgl,fil Latn,Tglg Tagalog
tn tsn Latn Tswana
to ton Latn Tongan
tr tur Latn Turkish
ts tso Latn Tsonga
tt tat Cyrl,Latn Tatar
ty tah Latn Tahitian
ug uig Arab,Cyrl,Latn Uyghur
uk ukr Cyrl,Latn Ukrainian
ur urd Arab,Latn Urdu
uz uzn,uzb Latn,Cyrl,Arab Uzbek
ve ven Latn Venda
vi vie Latn Vietnamese
vo vol Latn Volapük
wa wln Latn Walloon
wo wol Latn,Arab Wolof
xh xho Latn Xhosa
yi ydd,yid,ji/yih Hebr,Latn Yiddish
yo yor Latn Yoruba
za zha/zyb Latn Zhuang
zh zho,chi,cmn Hans+Hant,Latn Chinese
zu zul Latn Zulu
ace ace Latn+Arab Acehnese
ach ach Latn Acholi
ady ady Cyrl Adyghe
aii aii Syrc Assyrian_Neo-Aramaic
alz alz Latn Alur
arc arc Syrc Aramaic
arn arn Latn Mapudungun
ast ast Latn Asturian
awa awa Deva Awadhi
bal bal/bcc,bgn,bgp Arab,Latn Baluchi
ban ban Latn,Bali Balinese
bar bar Latn Bavarian
bbc bbc Latn Batak_Toba
bci bci Latn Baoulé
bcl bcl,bik Latn Bikol
bem bem Latn Bemba
ber ber Tfng+Latn Berber
bew bew Latn Betawi
bho bho,bh Deva Bhojpuri
bjn bjn Latn+Arab Banjar
bpy bpy Beng Bishnupriya
brx brx Deva Bodo
bts bts Latn Batak_Simalungun
btx btx Latn Batak_Karo
bug bug Latn,Bugi Buginese
bxr bxr,bua/bxm,bxu Cyrl Buryat
ceb ceb Latn Cebuano
cgg cgg Latn Chiga
chk chk Latn Chuukese
chr chr Cher Cherokee
cjk cjk Latn Chokwe
ckb ckb Arab,Latn Central_Kurdish
cnh cnh Latn Hakha_Chin
cpf cpf Latn French-based_creoles
crh crh Latn+Cyrl Crimean_Tatar
crs crs Latn Seychellois_Creole
csb csb Latn Kashubian
ctg ctg Beng Chittagonian
dar dar Cyrl Dargwa
dik dik,din/dip,dib,dks Latn Dinka
diq diq,zza/kiu Latn Zaza
doi doi,dgo Deva,Arab Dogri
dov dov Latn Dombe
dsb dsb Latn Lower_Sorbian
dty dty Deva Dotyali
dyu dyu Latn Dyula
efi efi Latn Efik
egl egl,eml Latn Emilian
emk emk Latn,Nkoo Eastern_Maninkakan
ext ext Latn Extremaduran
fon fon Latn Fon
frp frp Latn Arpitan
frr frr Latn Northern_Frisian
fur fur Latn Friulian
gaa gaa Latn Ga
gag gag Latn,Cyrl Gagauz
gcr gcr Latn Guianese_Creole
glk glk Arab Gilaki
gom gom,kok/knn Deva,Latn Konkani
got got Goth Gothic
grc grc Grek Ancient_Greek
gsw gsw Latn Swiss_German
hak hak Hani Hakka_Chinese
haw haw Latn Hawaiian
hbo hbo Hebr Biblical_Hebrew
hif hif Latn,Deva Fiji_Hindi
hil hil Latn Hiligaynon
hmn hmn/hmj,hnj,mww Latn Hmong
hne hne Deva Chhattisgarhi
hrx hrx Latn Hunsrik
hsb hsb Latn Upper_Sorbian
hyw hyw Armn Western_Armenian
iba iba Latn Iban
ilo ilo Latn Ilocano
inh inh Cyrl Ingush
iso iso Latn Isoko
jam jam Latn Jamaican_Creole
jbo jbo Latn Lojban
kaa kaa Latn+Cyrl Karakalpak
kab kab Latn Kabyle
kac kac Latn Kachin
kam kam Latn Kamba
kbd kbd Cyrl Kabardian
kbp kbp Latn Kabiyè
kea kea Latn Kabuverdianu
kek kek Latn Qʼeqchiʼ
kha kha Latn Khasi
kmb kmb Latn Kimbundu
koi koi Cyrl Komi-Permyak
krc krc Cyrl Karachay-Balkar
kri kri Latn Krio
ktu ktu Latn Kituba
kum kum Cyrl Kumyk
lbe lbe Cyrl Lak
lez lez Cyrl Lezghian
lij lij Latn Ligurian
lld lld Latn Ladin
lmo lmo Latn Lombard
lrc lrc Arab Northern_Luri
ltg ltg Latn Latgalian
lua lua Latn Luba-Lulua
luo luo Latn Luo
lus lus Latn Mizo
lzh lzh Hani Literary_Chinese
mad mad Latn Madurese
mag mag Deva Magahi
mai mai Deva Maithili
mak mak Latn Makasar
mam mam Latn Mam
mdf mdf Cyrl Moksha
mfe mfe Latn Morisyen
mhr mhr,chm Cyrl Meadow_Mari
min min Latn+Arab Minangkabau
mni mni Beng+Mtei Manipuri
mnw mnw Mymr Mon
mos mos Latn Mossi
mrj mrj Cyrl Hill_Mari
mwl mwl Latn Mirandese
mwr mwr Deva Marwari
myv myv Cyrl Erzya
mzn mzn Arab Mazanderani
nah nah Latn Nahuatl
nan nan Latn+Hant Min_Nan_Chinese
nap nap Latn Neapolitan
ndc ndc Latn Ndau
nds nds Latn Low_German
new new Deva Newari
nhe nhe Latn Eastern_Huasteca_Nahuatl
nhn nhn Latn Central_Nahuatl
nog nog Cyrl Nogai
nqo nqo Nkoo N'Ko
nso nso Latn Northern_Sotho
nus nus Latn Nuer
pag pag Latn Pangasinan
pam pam Latn Pampanga
pap pap Latn Papiamento
pcm pcm Latn Nigerian_Pidgin
pfl pfl Latn Palatine_German
pms pms Latn Piedmontese
pnb pnb Arab Western_Punjabi
quc quc Latn K'iche'
rhg rhg Latn,Rohg,Arab Rohingya
rom rom/rmy,rmn,rmc Latn Romany
rue rue Cyrl Rusyn
sah sah Cyrl Yakut
sat sat Olck,Latn Santali
scn scn Latn Sicilian
sco sco Latn Scots
sdh sdh Arab Southern_Kurdish
sgs sgs Latn Samogitian
shi shi Tfng+Latn Tachelhit
shn shn Mymr Shan
skr skr Arab Saraiki
sus sus Latn,Arab Susu
syl syl Beng,Sylo Sylheti
syr syr Syrc Syriac
szl szl Latn Silesian
taq taq,tmh Latn+Tfng Tamasheq
tcy tcy Knda Tulu
tet tet Latn Tetum
tiv tiv Latn Tiv
tpi tpi Latn Tok_Pisin
trp trp Latn Kokborok
tum tum Latn Tumbuka
tyv tyv Cyrl Tuvan
tzm tzm Tfng,Latn Central_Atlas_Tamazight
udm udm Cyrl Udmurt
umb umb Latn Umbundu
uzs uzs Arab Southern_Uzbek
vec vec Latn Venetian
vep vep Latn Veps
vls vls Latn West_Flemish
vmw vmw Latn Makhuwa
vro vro Latn Võro
war war Latn Waray
wuu wuu Hans+Hant Wu_Chinese
xal xal Cyrl Kalmyk
xmf xmf Geor Mingrelian
yua yua Latn Yucatec_Maya
yue yue Hant,Hans Cantonese
zap zap Latn Zapotec
zgh zgh Tfng Standard_Moroccan_Tamazight
"""
# Regions and other subtags that say in which script a text is written.
_SCRIPT_OF_REGION = {
    ("zh", "tw"): "Hant",
    ("zh", "hk"): "Hant",
    ("zh", "mo"): "Hant",
    ("zh", "cn"): "Hans",
    ("zh", "sg"): "Hans",
    ("sr", "me"): "Latn",
    ("pa", "pk"): "Arab",
    ("uz", "af"): "Arab",
    ("az", "ir"): "Arab",
}
# Scripts with two codes in ISO 15924, one of which says less.
_SCRIPT_ALIASES = {"Kore": "Hang", "Aran": "Arab"}
_MEANS_UNKNOWN = {"", "xx", "und", "unknown", "un", "mul", "zxx"}


class _Language(NamedTuple):
    """iso: the ISO 639-3 code for codes with a script. scripts: all of them. usual: the one script that a text of the
    language is in as a rule, None if there are several."""

    iso: str
    scripts: tuple[str, ...]
    usual: Optional[str]
    name: str


def _read_table() -> tuple[dict[str, _Language], dict[str, str], frozenset[str]]:
    languages: dict[str, _Language] = {}
    base_of: dict[str, str] = {}
    all_varieties: set[str] = set()
    for line in _TABLE.strip().splitlines():
        code, isos, scripts, name = line.split()
        same, _, varieties = isos.partition("/")
        everyday, *_ = scripts.split(",")
        languages[code] = _Language(
            same.split(",")[0],
            tuple(scripts.replace("+", ",").split(",")),
            None if "+" in everyday else everyday,
            name.replace("_", " "),
        )
        all_varieties.update(filter(None, varieties.split(",")))
        for other in [code, *same.split(","), *filter(None, varieties.split(","))]:
            base_of[other] = code
    return languages, base_of, frozenset(all_varieties)


_LANGUAGES, _BASE_OF, _VARIETIES = _read_table()
_NAME_OF = {UNKNOWN: "unknown", **{code: language.name for code, language in _LANGUAGES.items()}}


def _primary(code: str) -> str:
    return code.strip().replace("_", "-").split("-")[0].strip().lower()


@lru_cache(maxsize=4096)
def base_code(code: str) -> str:
    """Bring a language code to its base code.

    `zho_Hans`, `cmn`, `zh-cn` -> `zh`; `swh` -> `sw`; `pt-BR` -> `pt`; `und` and the empty string -> `xx`.
    A code that is not in the table is returned without script and region, in lower case.
    """
    primary = _primary(code)
    if primary in _MEANS_UNKNOWN:
        return UNKNOWN
    return _BASE_OF.get(primary, primary)


def script(code: str) -> Optional[str]:
    """Return the script (ISO 15924) that a code names, by itself or by its region; None if it names none.

    `zho_Hant`, `zh-TW` -> `Hant`; `sr-Latn` -> `Latn`; `zh`, `de-AT` -> None.
    """
    _, *subtags = code.strip().replace("_", "-").lower().split("-")
    for subtag in subtags:
        if len(subtag) == 4 and subtag.isascii() and subtag.isalpha():
            named = subtag.title()
            return _SCRIPT_ALIASES.get(named, named)
    base = base_code(code)
    return next((_SCRIPT_OF_REGION[base, subtag] for subtag in subtags if (base, subtag) in _SCRIPT_OF_REGION), None)


@lru_cache(maxsize=4096)
def canonical_code(code: str) -> str:
    """Return one spelling for all codes of the same language, script and variety.

    That is the base code, or where it says more, ISO 639-3 with the script: `zh-TW`, `cmn_Hant` -> `zho_Hant`;
    `sr-Latn` -> `srp_Latn`; `arz_Arab` stays (a variety); `zh` -> `zh`; `deu_Latn` -> `de` (German has one script).
    """
    base, named = base_code(code), script(code)
    if named is None or base == UNKNOWN:
        return base
    language, primary = _LANGUAGES.get(base), _primary(code)
    if language is None:
        return f"{base}_{named}"
    if primary in _VARIETIES:
        return f"{primary}_{named}"
    return base if language.scripts == (named,) else f"{language.iso}_{named}"


def full_code(code: str) -> str:
    """Return a code with its script: `de` -> `deu_Latn`, `ar` -> `arb_Arab`; `zh-TW` -> `zho_Hant`.

    A code without a script stays as it is if its language is in no script as a rule (`zh`, `sr`), or is not known.
    """
    canonical = canonical_code(code)
    language = _LANGUAGES.get(canonical)
    if language is None or language.usual is None:
        return canonical
    return f"{language.iso}_{language.usual}"


def add_by_code(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Add up the numbers of each code: {code: sum}, in the order of the pairs."""
    sums: dict[str, float] = {}
    for code, number in pairs:
        sums[code] = sums[code] + number if code in sums else number
    return sums


def add_by_base_code(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Add up the numbers of the codes of each language: {base code: sum}, in the order of the pairs."""
    return add_by_code((base_code(code), number) for code, number in pairs)


def by_base_code(
    given: Mapping[str, ValueT], code_of: Callable[[str], str], *, who: str = "", join: str = "texts"
) -> dict[str, ValueT]:
    """Return the same by base codes.

    Args:
        given: {language: value}.
        code_of: `find_language`, or `as_base_code` where a language may be unknown.
        who: What an error begins with, such as `xlt_projector: `.
        join: What an error asks to join.

    Raises:
        XltError: `code_of` knows no such language, or two names are of one language.
    """
    found: dict[str, ValueT] = {}
    for language, value in given.items():
        base = code_of(language)
        if base in found:
            raise XltError(f"{who}'{language}' is one more name of '{base}': join their {join}.")
        found[base] = value
    return found


def is_known(code: str) -> bool:
    """Whether the table has a language of this code."""
    return base_code(code) in _LANGUAGES


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


def find_code(language: str) -> str:
    """Return the canonical code of a language: `zh-TW` is `zho_Hant`, `German` is `de`.

    Raises:
        XltError: As `find_language`.
    """
    return canonical_code(language) if is_known(language) else find_language(language)


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
