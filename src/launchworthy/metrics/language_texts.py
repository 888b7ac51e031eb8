"""Small texts of our own, one for each language that shares its script with others. Standard library only.

Everyday sentences of support, trade and travel, written for this file: :mod:`launchworthy.metrics.language`
counts their letters.
"""

from __future__ import annotations

__all__ = ["TEXTS"]

TEXTS = {
    "en": """You can return the shoes within thirty days if they have not been worn. We will send you an
email when your order has left our warehouse, and you should receive it in two or three
working days. If something is broken, please tell us what happened and we will find a way to
help you. What would you like to know about this? There is nothing else that you have to do,
because the money goes back to the same card. I think that this is the best way for you, but
it depends on which version you have. The weather was good and the children were playing in
the garden with their friends. She has been working there since last year, although he never
knew it. How much does it cost? Those who want to change their password should first open the
settings. Thank you for your question. Every day another thousand people use this service,
which makes it one of the largest in the world. Do not forget your keys.""",
    "de": """Sie können die Schuhe innerhalb von dreißig Tagen zurückgeben, wenn sie nicht getragen wurden.
Wir schicken Ihnen eine Nachricht, sobald Ihre Bestellung unser Lager verlassen hat, und Sie
sollten sie in zwei oder drei Werktagen erhalten. Wenn etwas kaputt ist, sagen Sie uns bitte,
was passiert ist, und wir finden einen Weg, Ihnen zu helfen. Was möchten Sie darüber wissen?
Sie müssen sonst nichts tun, denn das Geld geht auf dieselbe Karte zurück. Ich glaube, dass
das für dich der beste Weg ist, aber es hängt davon ab, welche Version du hast. Das Wetter war
gut und die Kinder spielten im Garten mit ihren Freunden. Sie arbeitet dort seit dem letzten
Jahr, obwohl er es nie wusste. Wie viel kostet das? Wer sein Kennwort ändern will, öffnet
zuerst die Einstellungen. Vielen Dank für Ihre Frage. Jeden Tag nutzen weitere tausend
Menschen diesen Dienst, der damit einer der größten der Welt ist.""",
    "fr": """Vous pouvez retourner les chaussures dans un délai de trente jours si elles n'ont pas été
portées. Nous vous enverrons un message dès que votre commande aura quitté notre entrepôt, et
vous devriez la recevoir en deux ou trois jours ouvrables. Si quelque chose est cassé, dites-
nous ce qui s'est passé et nous trouverons une façon de vous aider. Que voulez-vous savoir à
ce sujet ? Il n'y a rien d'autre à faire, car l'argent revient sur la même carte. Je pense que
c'est la meilleure solution pour toi, mais cela dépend de la version que tu as. Il faisait
beau et les enfants jouaient dans le jardin avec leurs amis. Elle y travaille depuis l'année
dernière, bien qu'il ne l'ait jamais su. Combien cela coûte-t-il ? Ceux qui veulent changer
leur mot de passe doivent d'abord ouvrir les réglages. Merci pour votre question. Chaque jour,
mille autres personnes utilisent ce service, l'un des plus grands du monde.""",
    "es": """Puede devolver los zapatos en un plazo de treinta días si no se han usado. Le enviaremos un
mensaje cuando su pedido haya salido de nuestro almacén, y debería recibirlo en dos o tres
días laborables. Si algo está roto, díganos qué ha pasado y encontraremos una manera de
ayudarle. ¿Qué le gustaría saber sobre esto? No hay nada más que hacer, porque el dinero
vuelve a la misma tarjeta. Creo que esta es la mejor forma para ti, pero depende de la versión
que tengas. Hacía buen tiempo y los niños jugaban en el jardín con sus amigos. Ella trabaja
allí desde el año pasado, aunque él nunca lo supo. ¿Cuánto cuesta? Quienes quieran cambiar su
contraseña deben abrir primero los ajustes. Gracias por su pregunta. Cada día otras mil
personas usan este servicio, lo que lo convierte en uno de los más grandes del mundo. No
olvides las llaves. También puedes llamarnos por teléfono entre las ocho y las cinco.""",
    "it": """Può restituire le scarpe entro trenta giorni se non sono state indossate. Le invieremo un
messaggio quando il suo ordine avrà lasciato il nostro magazzino, e dovrebbe riceverlo in due
o tre giorni lavorativi. Se qualcosa è rotto, ci dica che cosa è successo e troveremo un modo
per aiutarla. Che cosa vorrebbe sapere su questo? Non c'è altro da fare, perché i soldi
tornano sulla stessa carta. Penso che questo sia il modo migliore per te, ma dipende da quale
versione hai. Il tempo era bello e i bambini giocavano nel giardino con i loro amici. Lei
lavora lì dall'anno scorso, anche se lui non l'ha mai saputo. Quanto costa? Chi vuole cambiare
la propria password deve prima aprire le impostazioni. Grazie per la sua domanda. Ogni giorno
altre mille persone usano questo servizio, che è così uno dei più grandi del mondo. Non
dimenticare le chiavi. Gli uffici sono aperti anche di sabato, dalle nove alle sei.""",
    "pt": """Você pode devolver os sapatos no prazo de trinta dias se não tiverem sido usados. Enviaremos
uma mensagem quando o seu pedido tiver saído do nosso armazém, e deverá recebê-lo em dois ou
três dias úteis. Se alguma coisa estiver quebrada, diga-nos o que aconteceu e encontraremos
uma maneira de ajudar. O que gostaria de saber sobre isto? Não há mais nada a fazer, porque o
dinheiro volta para o mesmo cartão. Acho que esta é a melhor forma para você, mas depende da
versão que tem. O tempo estava bom e as crianças brincavam no jardim com os seus amigos. Ela
trabalha lá desde o ano passado, embora ele nunca tenha sabido. Quanto custa? Quem quiser
mudar a sua senha deve primeiro abrir as definições. Obrigado pela sua pergunta. Todos os dias
outras mil pessoas usam este serviço, o que faz dele um dos maiores do mundo. Não se esqueça
das chaves. Também não são necessárias outras informações para a compra.""",
    "nl": """U kunt de schoenen binnen dertig dagen terugsturen als ze niet gedragen zijn. Wij sturen u een
bericht zodra uw bestelling ons magazijn heeft verlaten, en u zou haar in twee of drie
werkdagen moeten krijgen. Als er iets kapot is, vertel ons dan wat er gebeurd is en wij vinden
een manier om u te helpen. Wat wilt u hierover weten? U hoeft verder niets te doen, want het
geld gaat terug naar dezelfde kaart. Ik denk dat dit voor jou de beste manier is, maar het
hangt af van welke versie je hebt. Het weer was goed en de kinderen speelden in de tuin met
hun vrienden. Zij werkt daar sinds vorig jaar, hoewel hij het nooit heeft geweten. Hoeveel
kost het? Wie zijn wachtwoord wil wijzigen, opent eerst de instellingen. Bedankt voor uw
vraag. Elke dag gebruiken nog eens duizend mensen deze dienst, die daarmee een van de grootste
ter wereld is. Vergeet je sleutels niet. Ook zaterdag zijn wij de hele dag bereikbaar.""",
    "sv": """Du kan lämna tillbaka skorna inom trettio dagar om de inte har använts. Vi skickar ett
meddelande när din beställning har lämnat vårt lager, och du bör få den inom två eller tre
arbetsdagar. Om något är trasigt, berätta för oss vad som har hänt så hittar vi ett sätt att
hjälpa dig. Vad vill du veta om detta? Du behöver inte göra något mer, eftersom pengarna går
tillbaka till samma kort. Jag tror att det här är det bästa sättet för dig, men det beror på
vilken version du har. Vädret var fint och barnen lekte i trädgården med sina vänner. Hon har
arbetat där sedan förra året, fast han aldrig visste om det. Hur mycket kostar det? Den som
vill byta sitt lösenord öppnar först inställningarna. Tack för din fråga. Varje dag använder
ytterligare tusen människor den här tjänsten, som därmed är en av de största i världen. Glöm
inte nycklarna. Också på lördagar är vi öppna, och du kan ringa oss när du vill.""",
    "da": """Du kan sende skoene tilbage inden for tredive dage, hvis de ikke har været brugt. Vi sender
dig en besked, når din bestilling har forladt vores lager, og du bør modtage den inden for to
eller tre hverdage. Hvis noget er gået i stykker, så fortæl os, hvad der er sket, og vi finder
en måde at hjælpe dig på. Hvad vil du gerne vide om det? Du behøver ikke gøre mere, for
pengene går tilbage til det samme kort. Jeg tror, at det er den bedste måde for dig, men det
afhænger af, hvilken version du har. Vejret var godt, og børnene legede i haven med deres
venner. Hun har arbejdet der siden sidste år, selv om han aldrig vidste det. Hvor meget koster
det? Den, der vil skifte sin adgangskode, åbner først indstillingerne. Tak for dit spørgsmål.
Hver dag bruger yderligere tusind mennesker denne tjeneste, som dermed er en af de største i
verden. Glem ikke nøglerne. Også om lørdagen har vi åbent, og du kan ringe til os, når du vil.""",
    "nb": """Du kan sende tilbake skoene innen tretti dager hvis de ikke har vært brukt. Vi sender deg en
melding når bestillingen din har forlatt lageret vårt, og du bør få den i løpet av to eller
tre virkedager. Hvis noe er ødelagt, fortell oss hva som har skjedd, så finner vi en måte å
hjelpe deg på. Hva vil du gjerne vite om dette? Du trenger ikke gjøre noe mer, for pengene går
tilbake til det samme kortet. Jeg tror at dette er den beste måten for deg, men det kommer an
på hvilken versjon du har. Været var fint, og barna lekte i hagen med vennene sine. Hun har
jobbet der siden i fjor, selv om han aldri visste det. Hvor mye koster det? Den som vil bytte
passordet sitt, åpner først innstillingene. Takk for spørsmålet ditt. Hver dag bruker enda
tusen mennesker denne tjenesten, som dermed er en av de største i verden. Ikke glem nøklene.
Også på lørdager har vi åpent, og du kan ringe oss når du vil. Noen ganger blir det mye snø.""",
    "fi": """Voit palauttaa kengät kolmenkymmenen päivän kuluessa, jos niitä ei ole käytetty. Lähetämme
sinulle viestin, kun tilauksesi on lähtenyt varastostamme, ja sen pitäisi saapua kahdessa tai
kolmessa arkipäivässä. Jos jokin on rikki, kerro meille mitä tapahtui, niin löydämme keinon
auttaa sinua. Mitä haluaisit tietää tästä? Sinun ei tarvitse tehdä muuta, koska rahat
palautetaan samalle kortille. Luulen, että tämä on sinulle paras tapa, mutta se riippuu siitä,
mikä versio sinulla on. Sää oli hyvä ja lapset leikkivät puutarhassa ystäviensä kanssa. Hän on
työskennellyt siellä viime vuodesta lähtien, vaikka mies ei koskaan tiennyt sitä. Paljonko se
maksaa? Joka haluaa vaihtaa salasanansa, avaa ensin asetukset. Kiitos kysymyksestäsi. Joka
päivä tuhat ihmistä lisää käyttää tätä palvelua, joka on siten yksi maailman suurimmista. Älä
unohda avaimia. Myös lauantaisin olemme auki, ja voit soittaa meille milloin haluat.""",
    "pl": """Możesz zwrócić buty w ciągu trzydziestu dni, jeśli nie były noszone. Wyślemy ci wiadomość,
kiedy twoje zamówienie opuści nasz magazyn, i powinieneś je otrzymać w ciągu dwóch lub trzech
dni roboczych. Jeśli coś jest zepsute, powiedz nam, co się stało, a znajdziemy sposób, żeby ci
pomóc. Czego chciałbyś się o tym dowiedzieć? Nie trzeba robić nic więcej, ponieważ pieniądze
wracają na tę samą kartę. Myślę, że to jest dla ciebie najlepszy sposób, ale zależy to od
tego, jaką masz wersję. Pogoda była dobra i dzieci bawiły się w ogrodzie z przyjaciółmi. Ona
pracuje tam od zeszłego roku, chociaż on nigdy o tym nie wiedział. Ile to kosztuje? Kto chce
zmienić swoje hasło, najpierw otwiera ustawienia. Dziękujemy za pytanie. Każdego dnia kolejny
tysiąc osób korzysta z tej usługi, która jest przez to jedną z największych na świecie. Nie
zapomnij kluczy. Również w soboty jesteśmy czynni i można do nas zadzwonić.""",
    "cs": """Boty můžete vrátit do třiceti dnů, pokud nebyly nošené. Pošleme vám zprávu, až vaše objednávka
opustí náš sklad, a měli byste ji dostat za dva nebo tři pracovní dny. Pokud je něco rozbité,
řekněte nám, co se stalo, a najdeme způsob, jak vám pomoci. Co byste o tom chtěli vědět? Nic
dalšího dělat nemusíte, protože peníze se vrátí na stejnou kartu. Myslím, že je to pro tebe
nejlepší způsob, ale záleží na tom, jakou máš verzi. Počasí bylo dobré a děti si hrály na
zahradě se svými přáteli. Pracuje tam od loňského roku, i když on o tom nikdy nevěděl. Kolik
to stojí? Kdo chce změnit své heslo, otevře nejprve nastavení. Děkujeme za vaši otázku. Každý
den tuto službu používá další tisíc lidí, takže je jednou z největších na světě. Nezapomeňte
si klíče. Také v sobotu máme otevřeno a můžete nám kdykoli zavolat. Jestliže zboží není
skladem, ozveme se vám během několika hodin.""",
    "ro": """Puteți returna pantofii în termen de treizeci de zile dacă nu au fost purtați. Vă vom trimite
un mesaj când comanda dumneavoastră a plecat din depozitul nostru și ar trebui să o primiți în
două sau trei zile lucrătoare. Dacă ceva este stricat, spuneți-ne ce s-a întâmplat și vom găsi
o cale de a vă ajuta. Ce ați vrea să știți despre asta? Nu mai trebuie să faceți nimic, pentru
că banii se întorc pe același card. Cred că aceasta este cea mai bună cale pentru tine, dar
depinde de versiunea pe care o ai. Vremea era bună și copiii se jucau în grădină cu prietenii
lor. Ea lucrează acolo de anul trecut, deși el nu a știut niciodată. Cât costă? Cine vrea să
își schimbe parola deschide mai întâi setările. Vă mulțumim pentru întrebare. În fiecare zi
încă o mie de oameni folosesc acest serviciu, care este astfel unul dintre cele mai mari din
lume. Nu uita cheile. Și sâmbăta suntem deschiși și ne puteți suna oricând doriți.""",
    "hu": """A cipőt harminc napon belül visszaküldheti, ha nem viselték. Üzenetet küldünk, amikor a
rendelése elhagyta a raktárunkat, és két vagy három munkanapon belül meg kell kapnia. Ha
valami elromlott, mondja el, mi történt, és megtaláljuk a módját, hogy segítsünk. Mit szeretne
tudni erről? Semmi mást nem kell tennie, mert a pénz ugyanarra a kártyára kerül vissza. Azt
hiszem, hogy neked ez a legjobb megoldás, de attól függ, melyik változatod van. Jó idő volt,
és a gyerekek a kertben játszottak a barátaikkal. Tavaly óta dolgozik ott, bár ő soha nem
tudta. Mennyibe kerül? Aki meg akarja változtatni a jelszavát, először nyissa meg a
beállításokat. Köszönjük a kérdését. Minden nap újabb ezer ember használja ezt a
szolgáltatást, amely így az egyik legnagyobb a világon. Ne felejtsd el a kulcsokat. Szombaton
is nyitva vagyunk, és bármikor felhívhat minket.""",
    "tr": """Ayakkabıları giyilmemişse otuz gün içinde geri gönderebilirsiniz. Siparişiniz depomuzdan
çıktığında size bir mesaj göndereceğiz ve iki ya da üç iş günü içinde almanız gerekir. Bir şey
bozuksa bize ne olduğunu söyleyin, size yardım etmenin bir yolunu buluruz. Bu konuda ne bilmek
istersiniz? Başka bir şey yapmanıza gerek yok, çünkü para aynı karta geri döner. Bence bu
senin için en iyi yol, ama hangi sürümün olduğuna bağlı. Hava güzeldi ve çocuklar bahçede
arkadaşlarıyla oynuyordu. O geçen yıldan beri orada çalışıyor, ama adam bunu hiç bilmedi. Ne
kadar tutar? Parolasını değiştirmek isteyen önce ayarları açar. Sorunuz için teşekkür ederiz.
Her gün bin kişi daha bu hizmeti kullanıyor, bu yüzden dünyanın en büyüklerinden biridir.
Anahtarları unutma. Cumartesi günleri de açığız ve bizi istediğiniz zaman arayabilirsiniz.""",
    "id": """Anda dapat mengembalikan sepatu dalam waktu tiga puluh hari jika belum pernah dipakai. Kami
akan mengirim pesan ketika pesanan Anda sudah keluar dari gudang kami, dan Anda akan
menerimanya dalam dua atau tiga hari kerja. Jika ada yang rusak, beri tahu kami apa yang
terjadi dan kami akan mencari cara untuk membantu Anda. Apa yang ingin Anda ketahui tentang
hal ini? Tidak ada lagi yang harus dilakukan, karena uangnya kembali ke kartu yang sama. Saya
pikir ini cara terbaik untuk kamu, tetapi itu tergantung pada versi yang kamu punya. Cuacanya
bagus dan anak-anak bermain di kebun bersama teman-teman mereka. Dia bekerja di sana sejak
tahun lalu, meskipun suaminya tidak pernah tahu. Berapa harganya? Siapa yang ingin mengganti
kata sandinya harus membuka pengaturan terlebih dahulu. Terima kasih atas pertanyaan Anda.
Setiap hari seribu orang lagi menggunakan layanan ini, sehingga menjadi salah satu yang
terbesar di dunia.""",
    "vi": """Bạn có thể trả lại giày trong vòng ba mươi ngày nếu chưa đi. Chúng tôi sẽ gửi cho bạn một tin
nhắn khi đơn hàng của bạn rời kho, và bạn sẽ nhận được trong hai hoặc ba ngày làm việc. Nếu có
gì bị hỏng, hãy cho chúng tôi biết chuyện gì đã xảy ra và chúng tôi sẽ tìm cách giúp bạn. Bạn
muốn biết gì về điều này? Không cần làm gì thêm, vì tiền sẽ được hoàn lại vào cùng một thẻ.
Tôi nghĩ đây là cách tốt nhất cho bạn, nhưng điều đó phụ thuộc vào phiên bản bạn có. Thời tiết
đẹp và bọn trẻ chơi trong vườn với bạn bè. Cô ấy làm việc ở đó từ năm ngoái, mặc dù anh ấy
không bao giờ biết. Nó giá bao nhiêu? Ai muốn đổi mật khẩu thì trước tiên mở phần cài đặt. Cảm
ơn câu hỏi của bạn. Mỗi ngày thêm một nghìn người sử dụng dịch vụ này, khiến nó trở thành một
trong những dịch vụ lớn nhất thế giới. Đừng quên chìa khóa.""",
    "ru": """Вы можете вернуть обувь в течение тридцати дней, если её не носили. Мы отправим вам сообщение,
когда ваш заказ покинет наш склад, и вы должны получить его через два или три рабочих дня.
Если что-то сломано, расскажите нам, что произошло, и мы найдём способ вам помочь. Что бы вы
хотели об этом узнать? Больше ничего делать не нужно, потому что деньги вернутся на ту же
карту. Я думаю, что это лучший способ для тебя, но это зависит от того, какая у тебя версия.
Погода была хорошая, и дети играли в саду с друзьями. Она работает там с прошлого года, хотя
он никогда об этом не знал. Сколько это стоит? Кто хочет изменить свой пароль, сначала
открывает настройки. Спасибо за ваш вопрос. Каждый день ещё тысяча человек пользуется этой
услугой, поэтому она одна из крупнейших в мире. Не забудьте ключи. По субботам мы тоже
работаем, и вы можете позвонить нам в любое время.""",
    "uk": """Ви можете повернути взуття протягом тридцяти днів, якщо його не носили. Ми надішлемо вам
повідомлення, коли ваше замовлення залишить наш склад, і ви маєте отримати його за два або три
робочі дні. Якщо щось зламано, розкажіть нам, що сталося, і ми знайдемо спосіб вам допомогти.
Що б ви хотіли про це дізнатися? Більше нічого робити не потрібно, бо гроші повернуться на ту
саму картку. Я думаю, що це найкращий спосіб для тебе, але це залежить від того, яка в тебе
версія. Погода була гарна, і діти гралися в саду з друзями. Вона працює там з минулого року,
хоча він ніколи про це не знав. Скільки це коштує? Хто хоче змінити свій пароль, спочатку
відкриває налаштування. Дякуємо за ваше запитання. Щодня ще тисяча людей користується цією
послугою, тому вона одна з найбільших у світі. Не забудьте ключі. По суботах ми також
працюємо, і ви можете зателефонувати нам будь-коли.""",
    "ar": """يمكنك إرجاع الحذاء خلال ثلاثين يوما إذا لم يستعمل. سنرسل إليك رسالة عندما يغادر طلبك المستودع،
ومن المفترض أن يصلك خلال يومين أو ثلاثة أيام عمل. إذا كان هناك شيء مكسور فأخبرنا بما حدث وسنجد
طريقة لمساعدتك. ماذا تريد أن تعرف عن هذا؟ ليس عليك أن تفعل أي شيء آخر لأن المال يعود إلى
البطاقة نفسها. أعتقد أن هذه أفضل طريقة لك، لكن ذلك يعتمد على الإصدار الذي لديك. كان الطقس
جميلا وكان الأطفال يلعبون في الحديقة مع أصدقائهم. هي تعمل هناك منذ العام الماضي. كم يكلف ذلك؟
شكرا على سؤالك. كل يوم يستخدم ألف شخص آخر هذه الخدمة. لا تنس المفاتيح.""",
    "fa": """شما می‌توانید کفش‌ها را تا سی روز پس بدهید اگر پوشیده نشده باشند. وقتی سفارش شما از انبار ما
خارج شد برایتان پیامی می‌فرستیم و باید آن را در دو یا سه روز کاری دریافت کنید. اگر چیزی خراب
است به ما بگویید چه اتفاقی افتاده و راهی برای کمک به شما پیدا می‌کنیم. می‌خواهید درباره این چه
بدانید؟ لازم نیست کار دیگری بکنید چون پول به همان کارت برمی‌گردد. فکر می‌کنم این بهترین راه
برای شماست، اما بستگی دارد که کدام نسخه را دارید. هوا خوب بود و بچه‌ها در باغ با دوستانشان
بازی می‌کردند. او از سال گذشته آنجا کار می‌کند. قیمت آن چقدر است؟ از پرسش شما سپاسگزاریم.
کلیدها را فراموش نکنید.""",
    "hi": """यदि जूते पहने नहीं गए हैं तो आप उन्हें तीस दिनों के भीतर लौटा सकते हैं। जब आपका ऑर्डर
हमारे गोदाम से निकलेगा तब हम आपको संदेश भेजेंगे और वह आपको दो या तीन कार्य दिवसों में मिल
जाना चाहिए। अगर कुछ टूटा हुआ है तो हमें बताइए कि क्या हुआ और हम आपकी मदद करने का रास्ता
ढूँढ लेंगे। आप इसके बारे में क्या जानना चाहते हैं? और कुछ करने की ज़रूरत नहीं है क्योंकि
पैसा उसी कार्ड में वापस जाता है। मुझे लगता है कि आपके लिए यही सबसे अच्छा तरीका है। इसकी
कीमत कितनी है? आपके सवाल के लिए धन्यवाद।""",
    "mr": """जर बूट वापरले नसतील तर तुम्ही ते तीस दिवसांच्या आत परत करू शकता. तुमची ऑर्डर आमच्या
गोदामातून निघाली की आम्ही तुम्हाला संदेश पाठवू आणि ती तुम्हाला दोन किंवा तीन दिवसांत
मिळायला हवी. काही तुटले असेल तर काय झाले ते आम्हाला सांगा म्हणजे आम्ही तुम्हाला मदत
करण्याचा मार्ग शोधू. तुम्हाला याबद्दल काय जाणून घ्यायचे आहे? आणखी काही करण्याची गरज नाही
कारण पैसे त्याच कार्डवर परत जातात. मला वाटते की तुमच्यासाठी हाच सर्वात चांगला मार्ग आहे.
त्याची किंमत किती आहे? तुमच्या प्रश्नाबद्दल धन्यवाद.""",
}
