"""The same sentences in sixteen languages."""

from __future__ import annotations

__all__ = ["KEPT", "PLAIN", "TOLD"]

KEPT = {
    "en": "Remember: I am allergic to nuts.",
    "ar": "تذكر: لدي حساسية من المكسرات.",
    "da": "Husk: jeg er allergisk over for nødder.",
    "de": "Merke dir: ich bin allergisch gegen Nüsse.",
    "es": "Recuerda: soy alérgico a las nueces.",
    "fi": "Muista: olen allerginen pähkinöille.",
    "fr": "Souviens-toi : je suis allergique aux noix.",
    "hu": "Emlékezz: allergiás vagyok a dióra.",
    "it": "Ricordati: sono allergico alle noci.",
    "nl": "Onthoud: ik ben allergisch voor noten.",
    "no": "Husk: jeg er allergisk mot nøtter.",
    "pt": "Lembre-se: sou alérgico a nozes.",
    "ro": "Amintește-ți: sunt alergic la nuci.",
    "ru": "Запомни: у меня аллергия на орехи.",
    "sv": "Kom ihåg: jag är allergisk mot nötter.",
    "tr": "Unutma: benim fındığa alerjim var.",
}
"""A wish to keep it, and something about oneself."""

TOLD = {
    "en": "I like tea and I live in a small house by the sea.",
    "ar": "أحب الشاي وأعيش في بيت صغير على البحر مع أختي.",
    "da": "Jeg kan godt lide te, og jeg bor i et lille hus ved havet.",
    "de": "Ich mag Tee und ich wohne in einem kleinen Haus am Meer.",
    "es": "Me gusta el té y vivo en una casa pequeña junto al mar.",
    "fi": "Pidän teestä ja asun pienessä talossa meren rannalla.",
    "fr": "J'aime le thé et j'habite dans une petite maison au bord de la mer.",
    "hu": "Szeretem a teát, és egy kis házban lakom a tenger mellett.",
    "it": "Mi piace il tè e vivo in una piccola casa vicino al mare.",
    "nl": "Ik hou van thee en ik woon in een klein huis aan zee.",
    "no": "Jeg liker te, og jeg bor i et lite hus ved sjøen.",
    "pt": "Gosto de chá e moro numa casa pequena perto do mar.",
    "ro": "Îmi place ceaiul și locuiesc într-o casă mică lângă mare.",
    "ru": "Я люблю чай и живу в маленьком доме у моря.",
    "sv": "Jag gillar te och jag bor i ett litet hus vid havet.",
    "tr": "Çayı severim ve deniz kenarında küçük bir evde yaşıyorum.",
}
"""Something about oneself, in a long sentence."""

PLAIN = {
    "en": "The train was late again.",
    "ar": "كان القطار متأخرا مرة أخرى.",
    "da": "Toget var forsinket igen.",
    "de": "Der Zug war wieder zu spät.",
    "es": "El tren llegó tarde otra vez.",
    "fi": "Juna oli taas myöhässä.",
    "fr": "Le train était encore en retard.",
    "hu": "A vonat megint késett.",
    "it": "Il treno era di nuovo in ritardo.",
    "nl": "De trein was weer te laat.",
    "no": "Toget var forsinket igjen.",
    "pt": "O trem estava atrasado de novo.",
    "ro": "Trenul a întârziat din nou.",
    "ru": "Поезд снова опоздал.",
    "sv": "Tåget var försenat igen.",
    "tr": "Tren yine geç kaldı.",
}
"""Nothing that matters."""
