"""A Piper voice hears the ids that Piper would give it, and every word is found among them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from e2a_sidecar.errors import SidecarError
from e2a_sidecar.speaking import espeak_data
from e2a_sidecar.speaking.espeak_library import phoneme_lines
from e2a_sidecar.speaking.phonemes import Encoded, PhonemeFrontEnd, espeak_phonemes, without_abbreviation_dots
from e2a_sidecar.speaking.words import word_places
from e2a_sidecar.voices.piper import PiperConfig
from piper import PiperVoice
from piper.config import PiperConfig as TheirConfig
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

RAW: Mapping[str, Any] = {
    "audio": {"sample_rate": 22050},
    "espeak": {"voice": "en-us"},
    "phoneme_type": "espeak",
    "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
    "num_symbols": 256,
    "num_speakers": 1,
    "inference": {"noise_scale": 0.5, "length_scale": 1.1, "noise_w": 0.7},
    "language": {"code": "en_US"},
}
CONFIG = PiperConfig.from_dict(RAW, "test")


def said(front_end: PhonemeFrontEnd, text: str) -> list[tuple[str, str]]:
    letters = {ids[0]: phoneme for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
    encoded = front_end.encode(text)
    return [(text[w.start : w.end], "".join(letters[i] for i in encoded.ids[w.first_id : w.last_id] if i)) for w in encoded.words]


def piper_ids(text: str) -> list[list[int]]:
    voice = PiperVoice(session=None, config=TheirConfig.from_dict(dict(RAW)))
    return [voice.phonemes_to_ids(phonemes) for phonemes in voice.phonemize(text)]


@pytest.mark.parametrize("text", ["In the house of the town, it was quiet; and 1843 was over.", "What do you mean?", "“Yes”", "naïve café — R&D!"])
def test_ids_are_exactly_pipers(text: str) -> None:
    assert [list(PhonemeFrontEnd(CONFIG).encode(text).ids)] == piper_ids(text)


def test_each_word_owns_its_phonemes_also_where_espeak_joins_or_weakens_them() -> None:
    front_end = PhonemeFrontEnd(CONFIG)
    assert said(front_end, "He went in the house, of the town.") == [
        ("He", "hiː"),
        ("went", "wɛnt"),
        ("in", "ɪn"),
        ("the", "ðə"),
        ("house", "hˈaʊs"),
        ("of", "ʌv"),
        ("the", "ðə"),
        ("town", "tˈaʊn"),
    ]
    assert dict(said(front_end, "It was 1843 then."))["1843"] == "wˈʌn θˈaʊzənd ˈeɪthˈʌndɹɪd fˈɔːɹɾi θɹˈiː"
    french = PhonemeFrontEnd(replace(CONFIG, espeak_voice="fr"))
    words = [word for word, _ in said(french, "L'homme qu'il avait vu s'en alla, et les enfants aussi.")]
    assert words == ["L'homme", "qu'il", "avait", "vu", "s'en", "alla", "et", "les", "enfants", "aussi"]


def test_word_spans_are_in_order_and_inside_the_ids() -> None:
    encoded = PhonemeFrontEnd(CONFIG).encode("It was the best of times, it was the worst of times: an age of a thing to do at it, e.g. 3.14159 or 10:45 p.m.!")
    bounds = [b for word in encoded.words for b in (word.first_id, word.last_id)]
    assert bounds == sorted(bounds)
    assert all(word.first_id < word.last_id for word in encoded.words)
    assert bounds[0] >= 2
    assert bounds[-1] < len(encoded.ids)


PIECES = (
    *("1,234", "3.14", "1843", "10:45", "p.m.", "e.g.", "J.R.R.", "Mr.", "No.", "£5", "-5", "5%", "R&D", "o'clock", "it’s", "’twas", "well-known"),
    *("—", "said—no", "wait…", "“Oh!”", "(so)", "USA", "HELLO", "XIV", "naïve", "我去学校", "привет", "مرحبا", "हिन्दी", "😀", "❤️", "*", "--", ",,", "?!"),
    *("A", "I", "the", "of", "to", "in", "it", "was", "http://x.org/y?q=1", "½", "20°C", "hmm", "soft\u00adhyphen", "zero\u200bwidth", "\ufeffbom", "\x07"),
)


def test_every_word_that_sounds_has_ids_of_its_own_in_order() -> None:
    front_end, chance = PhonemeFrontEnd(CONFIG), random.Random(5)
    alone = {word: not front_end.encode(word).empty for piece in PIECES for word in (piece[a:b] for a, b in word_places(piece))}
    for number in range(600):
        text = chance.choice((" ", " ", ", ", "; ", "—", "\n")).join(chance.choices(PIECES, k=chance.randint(1, 12)))
        if number % 9 == 0:  # noise, in which only order can be asked for
            text = "".join(chance.choice((c, c, c, chance.choice(" .,;!?-—“”'"))) for c in text.upper())
        encoded = front_end.encode(text)
        places = [(word.start, word.end) for word in encoded.words]
        bounds = [bound for word in encoded.words for bound in (word.first_id, word.last_id)]
        assert places == sorted(set(places)) and bounds == sorted(bounds), text
        assert all(2 <= word.first_id < word.last_id < len(encoded.ids) for word in encoded.words), text
        assert {(a, b) for a, b in word_places(text) if alone.get(text[a:b])} <= set(places), text


def test_a_title_makes_no_pause_and_a_question_inside_a_sentence_does() -> None:
    front_end = PhonemeFrontEnd(CONFIG)
    stop, question = DEFAULT_PHONEME_ID_MAP["."][0], DEFAULT_PHONEME_ID_MAP["?"][0]
    ids = front_end.encode("Mr. Smith and Dr. J. R. Jones met at St. Paul's.").ids
    assert ids.count(stop) == 1
    ids = front_end.encode("“Is it so? Then go.”").ids
    assert (ids.count(question), ids.count(stop), ids.count(1), ids.count(2)) == (1, 1, 1, 1)


def test_only_abbreviations_lose_their_dot_and_offsets_stay() -> None:
    text = "So did I. Mr. Hyde left St. Ives. No. It was so. Lt. Hm. Yes."
    assert without_abbreviation_dots(text) == "So did I. Mr  Hyde left St  Ives. No. It was so. Lt  Hm  Yes."


@pytest.mark.parametrize("text", ["", "...", "—", " \n", "“…”", "\0"])
def test_nothing_to_pronounce_is_said_so(text: str) -> None:
    assert PhonemeFrontEnd(CONFIG).encode(text).empty


@pytest.mark.parametrize("text", ["a\0b", "a \ud800 b", "a\u202eb", "\U0001f600 smile", "(((((", "[[h@]] raw", "<speak>x</speak>", "x" * 5000])
def test_hostile_text_is_only_text(text: str) -> None:
    encoded = PhonemeFrontEnd(CONFIG).encode(text)
    assert encoded.ids[0] == 1
    assert encoded.ids[-1] == 2


def test_letters_are_the_phonemes_of_a_text_voice() -> None:
    table = {character: [number] for number, character in enumerate("_^$ .abcdefghijklmnopqrstuvwxyz\u0301")}
    front_end = PhonemeFrontEnd(PiperConfig.from_dict({**RAW, "phoneme_type": "text", "phoneme_id_map": table}, "test"))
    text = "caf\u00e9 au lait."
    encoded = front_end.encode(text)
    assert len(encoded.ids) == 2 + 2 * (len(text) + 1) + 1
    assert [(text[w.start : w.end], (w.last_id - w.first_id) // 2) for w in encoded.words] == [("caf\u00e9", 5), ("au", 2), ("lait", 4)]
    dropped = front_end.encode("ça va")
    assert [w.start for w in dropped.words] == [0, 3]


def test_a_word_of_which_a_text_voice_has_no_letter_is_told() -> None:
    table = {character: [number] for number, character in enumerate("_^$ .,abcdefghijklmnopqrstuvwxyz")}
    text = "in 1914, he had 5 % of co₂ in Россия, ça va."
    letters = PhonemeFrontEnd(PiperConfig.from_dict({**RAW, "phoneme_type": "text", "phoneme_id_map": table}, "test"))
    assert [text[start:end] for start, end in letters.lost(text)] == ["1914", "5", "%", "Россия"]
    assert [text[word.start : word.end] for word in letters.encode(text).words] == ["in", "he", "had", "of", "co₂", "in", "ça", "va"]
    assert [text[start:end] for start, end in PhonemeFrontEnd(CONFIG).lost(text)] == ["Россия"]  # whose letters an English voice only names


def test_a_line_without_end_is_cut_between_words_and_nothing_is_lost() -> None:
    front_end = PhonemeFrontEnd(CONFIG)
    whole = front_end.encode("and he went on through the town, " * 60)
    pieces = front_end.pieces(whole, 400)
    assert front_end.pieces(whole, 10_000) == (whole,)
    assert len(pieces) > 5
    assert all(len(piece.ids) <= 400 and piece.ids[:2] == (1, 0) and piece.ids[-1] == 2 for piece in pieces)
    assert (1, 0, *(i for piece in pieces for i in piece.ids[2:-1]), 2) == whole.ids
    assert [(w.start, w.end) for piece in pieces for w in piece.words] == [(w.start, w.end) for w in whole.words]
    for piece in pieces:
        assert all(2 <= w.first_id < w.last_id <= len(piece.ids) - 1 for w in piece.words)


def test_one_word_without_end_is_cut_too() -> None:
    front_end = PhonemeFrontEnd(CONFIG)
    pieces: tuple[Encoded, ...] = front_end.pieces(front_end.encode("ba" * 3000), 400)
    assert all(len(piece.ids) <= 400 for piece in pieces)
    assert sum(len(piece.words) for piece in pieces) == 1


SPEAK_FROM_AFAR = """
import os, pathlib, shutil, sys, tempfile
import espeakng_loader, piper.phonemize_espeak
from e2a_sidecar.speaking import espeak_data
from e2a_sidecar.speaking.espeak_library import phoneme_lines
from e2a_sidecar.speaking.phonemes import espeak_phonemes
far = pathlib.Path(sys.argv[1]) / "Jos\u00e9" / ("x" * 150)
own = piper.phonemize_espeak.ESPEAK_DATA_DIR, pathlib.Path(espeakng_loader.get_data_path())
theirs, loaders = (far / folder.parent.name / folder.name for folder in own)
for folder, place in zip(own, (theirs, loaders)):
    shutil.copytree(folder, place)
import e2a_sidecar.speaking.phonemes as phonemes
phonemes.ESPEAK_DATA_DIR, espeakng_loader.get_data_path = theirs, lambda: str(loaders)
print(*("".join(map("".join, espeak_phonemes(voice, "yes"))) for voice in ("en-us", "de")), *phoneme_lines("fr-fr", "oui"), *phoneme_lines("it", "si"))
print(os.listdir(tempfile.gettempdir()))
os.kill(os.getpid(), 9)
"""


def test_espeaks_data_at_a_long_or_foreign_path_is_used_and_nothing_is_left_when_the_process_is_killed(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-X", "utf8", "-u", "-c", SPEAK_FROM_AFAR, str(tmp_path)]
    done = subprocess.run(command, env=os.environ | {"TMPDIR": str(tmp_path / "temporary")}, capture_output=True, encoding="utf-8", timeout=60, check=False)
    said, left = done.stdout.splitlines()
    assert said == "jˈɛs jˈeːs _w_ˈi s_ˈi" and left == "[]", done.stderr
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("name", ["en-us", "en-gb-x-rp", "es-419", "cmn", "de+f2", "vi-vn-x-central"])
def test_a_name_of_espeaks_is_let_through(name: str) -> None:
    assert espeak_data.is_voice_name(name)


PATHS = ["../../../../../../dev/zero", "/dev/zero", "de/../de", "!v/f1", "en\0", "nul", "CON+f2", "com1", "", "d\u00e9", "..", "-", "a" * 41, "en us", "en\n"]


@pytest.mark.parametrize("name", PATHS)
def test_a_name_that_is_a_path_or_a_device_does_not_reach_espeak(name: str) -> None:
    with pytest.raises(RuntimeError, match="no name"):
        espeak_phonemes(name, "yes")
    with pytest.raises(LookupError):
        phoneme_lines(name, "yes")
    with pytest.raises(SidecarError, match="voice_broken"):
        PiperConfig.from_dict({**RAW, "espeak": {"voice": name}}, "v")


@pytest.mark.parametrize(
    ("language", "text", "said", "times"),
    [
        ("en-us", "777777 " * 60, "sˈɛvənti", 120),
        ("en-us", "seven of " * 200, "sˈɛvən", 200),
        ("en-us", "he had seven, " * 150, "sˈɛvən", 150),
        ("en-us", "3." + "7" * 100, "sˈɛvən", 100),
        ("en-us", "7" * 100, "sˈɛvən", 100),
        ("cmn", "7 " * 300, "tɕhi5", 300),
        ("tr", "XVIII " * 130, "zvɯɯˈɯ", 130),
    ],
)
def test_no_word_is_lost_where_espeak_has_no_room_for_all(language: str, text: str, said: str, times: int) -> None:
    letters = {ids[0]: phoneme for phoneme, ids in DEFAULT_PHONEME_ID_MAP.items()}
    encoded = PhonemeFrontEnd(replace(CONFIG, espeak_voice=language)).encode(text)
    spoken = "".join(letters[i] for i in encoded.ids[2:-1] if i)
    assert spoken.replace("ˌ", "ˈ").replace("ˈ", "").count(said.replace("ˈ", "")) == times


def test_an_arabic_line_longer_than_what_pipers_net_takes_is_spoken() -> None:
    arabic = PhonemeFrontEnd(replace(CONFIG, espeak_voice="ar"))
    assert len(arabic.encode("نعم، ولم يلوّح أحد؛ " * 700).words) == 700 * 4


def test_a_language_unknown_to_espeak_is_found_when_the_voice_is_opened() -> None:
    with pytest.raises(SidecarError) as error:
        PhonemeFrontEnd(replace(CONFIG, espeak_voice="xx-none"))
    assert error.value.code == "voice_unsupported"


def test_a_description_is_read_with_pipers_defaults(tmp_path: Path) -> None:
    path = tmp_path / "voice.onnx.json"
    path.write_text(json.dumps({k: v for k, v in RAW.items() if k not in ("inference", "phoneme_type")}), encoding="utf-8")
    config = PiperConfig.load(path)
    assert (config.noise_scale, config.length_scale, config.noise_w, config.hop_length, config.phoneme_type) == (0.667, 1.0, 0.8, 256, "espeak")
    assert config.language == "en-US"
    assert config.speaker_id("") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"phoneme_type": "pinyin"}, "voice_unsupported"),
        ({"phoneme_type": "japanese"}, "voice_unsupported"),
        ({"audio": {}}, "voice_broken"),
        ({"audio": {"sample_rate": 0}}, "voice_broken"),
        ({"phoneme_id_map": {"a": [1]}}, "voice_broken"),
        ({"phoneme_id_map": {**DEFAULT_PHONEME_ID_MAP, "b": [300]}}, "voice_broken"),
        ({"phoneme_id_map": [1, 2]}, "voice_broken"),
        ({"espeak": {}}, "voice_broken"),
        ({"num_speakers": "many"}, "voice_broken"),
        ({"inference": {"length_scale": 0}}, "voice_broken"),
        ({"inference": {"length_scale": 10**400}}, "voice_broken"),
        ({"phoneme_id_map": {**DEFAULT_PHONEME_ID_MAP, "_": [0] * 9}}, "voice_broken"),
        ({"phoneme_id_map": {**DEFAULT_PHONEME_ID_MAP, "x" * 17: [3]}}, "voice_broken"),
        ({"phoneme_id_map": {**DEFAULT_PHONEME_ID_MAP, **{f"x{n}": [3] for n in range(8192)}}}, "voice_broken"),
        ({"num_symbols": 10**9}, "voice_broken"),
        ({"num_speakers": 10**9}, "voice_broken"),
        ({"num_speakers": float("inf")}, "voice_broken"),
        ({"num_speakers": 2, "speaker_id_map": {"a" * 201: 0}}, "voice_broken"),
        ({"num_speakers": 2, "speaker_id_map": {str(n): 0 for n in range(100_001)}}, "voice_broken"),
        ({"vowel_clusters": [["a"] * 9]}, "voice_broken"),
        ({"vowel_clusters": [["a", "b"]] * 1001}, "voice_broken"),
        ({"phoneme_type": ["espeak"]}, "voice_broken"),
        ({"phoneme_type": "x" * 1000}, "voice_broken"),
        ({"language": {"code": "x" * 1000}}, "voice_broken"),
    ],
)
def test_a_broken_or_foreign_description_is_refused_with_a_reason(change: dict[str, Any], code: str) -> None:
    with pytest.raises(SidecarError) as error:
        PiperConfig.from_dict({**RAW, **change}, "my-voice")
    assert (error.value.code, error.value.params["voice"]) == (code, "my-voice")
    assert error.value.params["reason"]


MORE_THAN_A_DESCRIPTION = (b'{"x": "' + b"y" * 100_001 + b'"}', b'{"x": [' + b"0," * 100_000 + b"0]}", b'{"x": ' * 60 + b"0" + b"}" * 60)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[]", b"null", b"", *MORE_THAN_A_DESCRIPTION], ids=range(8))
def test_a_file_that_is_no_description_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SidecarError, match="voice_broken"):
        PiperConfig.load(path)
    with pytest.raises(SidecarError, match="voice_broken"):
        PiperConfig.load(tmp_path / "none.json")


def test_speakers_go_by_name_or_number() -> None:
    config = PiperConfig.from_dict({**RAW, "num_speakers": 3, "speaker_id_map": {"anna": 0, "bert": 2}, "default_speaker_id": 1}, "v")
    assert [config.speaker_id(s) for s in ("", "bert", "0")] == [1, 2, 0]
    for wrong in ("3", "carl", "9" * 5000):
        with pytest.raises(SidecarError, match="voice_unsupported"):
            config.speaker_id(wrong)
    with pytest.raises(SidecarError, match="voice_unsupported"):
        CONFIG.speaker_id("carl")
