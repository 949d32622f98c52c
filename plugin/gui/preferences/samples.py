"""What a voice says when it is tried without a book: two plain sentences in its own language, and numbers after them where it is to speak longer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, str]] = {
    "ar": "مساء الخير. هكذا يبدو صوتي عندما أقرأ كتابًا.",
    "ca": "Bona tarda. Així sona la meva veu quan llegeixo un llibre.",
    "cs": "Dobrý večer. Takto zní můj hlas, když čtu knihu.",
    "cy": "Noswaith dda. Dyma sut mae fy llais yn swnio wrth ddarllen llyfr.",
    "da": "Godaften. Sådan lyder min stemme, når jeg læser en bog.",
    "de": "Guten Abend. So klingt meine Stimme, wenn ich ein Buch vorlese.",
    "el": "Καλησπέρα. Έτσι ακούγεται η φωνή μου όταν διαβάζω ένα βιβλίο.",
    "en": "Good evening. This is how my voice sounds when I read a book.",
    "es": "Buenas tardes. Así suena mi voz cuando leo un libro.",
    "fa": "عصر بخیر. صدای من هنگام خواندن کتاب این‌گونه است.",
    "fi": "Hyvää iltaa. Tältä ääneni kuulostaa, kun luen kirjaa.",
    "fr": "Bonsoir. Voici comment sonne ma voix quand je lis un livre.",
    "hu": "Jó estét. Így szól a hangom, amikor könyvet olvasok.",
    "is": "Gott kvöld. Svona hljómar rödd mín þegar ég les bók.",
    "it": "Buonasera. Ecco come suona la mia voce quando leggo un libro.",
    "ka": "საღამო მშვიდობისა. ასე ჟღერს ჩემი ხმა, როცა წიგნს ვკითხულობ.",
    "kk": "Қайырлы кеш. Кітап оқығанда менің дауысым осылай естіледі.",
    "lb": "Gudden Owend. Esou kléngt meng Stëmm, wann ech e Buch liesen.",
    "ne": "शुभ सन्ध्या। किताब पढ्दा मेरो आवाज यस्तो सुनिन्छ।",
    "nl": "Goedenavond. Zo klinkt mijn stem als ik een boek voorlees.",
    "no": "God kveld. Slik høres stemmen min ut når jeg leser en bok.",
    "pl": "Dobry wieczór. Tak brzmi mój głos, kiedy czytam książkę.",
    "pt": "Boa tarde. É assim que soa a minha voz quando leio um livro.",
    "ro": "Bună seara. Așa sună vocea mea când citesc o carte.",
    "ru": "Добрый вечер. Так звучит мой голос, когда я читаю книгу.",
    "sk": "Dobrý večer. Takto znie môj hlas, keď čítam knihu.",
    "sl": "Dober večer. Tako zveni moj glas, ko berem knjigo.",
    "sr": "Добро вече. Овако звучи мој глас када читам књигу.",
    "sv": "God kväll. Så här låter min röst när jag läser en bok.",
    "sw": "Habari za jioni. Hivi ndivyo sauti yangu inavyosikika ninaposoma kitabu.",
    "tr": "İyi akşamlar. Bir kitap okurken sesim böyle duyulur.",
    "uk": "Добрий вечір. Так звучить мій голос, коли я читаю книгу.",
    "vi": "Chào buổi tối. Đây là giọng của tôi khi đọc một cuốn sách.",
    "zh": "晚上好。我读书的声音就是这样的。",
}


def sentence(language: str) -> str:
    """For a language's code of two letters; English where there is none."""
    return SENTENCES.get(language, SENTENCES["en"])


def longer(language: str) -> str:
    """The same, and then it counts to twenty, which voices do in whatever language they speak: some fifteen seconds."""
    return f"{sentence(language)} {', '.join(map(str, range(1, 21)))}"
