"""Words of one meaning in several languages become one token, so that what is learnt in one serves the
others.

Reference documentation speaks of parameters, return values and defaults in any language, manuals of
programs with windows of clicks and menus, and stories of persons. The lists are short and written by hand:
words of the subject alone, no names. Words of scripts without spaces are looked for as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping

_CONCEPTS = {
    "parameter": """
        parameter parameters param params argument arguments arg args paramètre paramètres parametre
        parametreler parametreleri parámetro parámetros parâmetro parâmetros argumento argumentos
        parametro parametri argomento argomenti argumente parametern параметр параметры параметров
        параметра аргумент аргументы parametr parametry parametrów argumenty bağımsız değişken 参数 參數
        引数 パラメータ パラメーター 매개변수 인자 인수
    """,
    "returns": """
        return returns returned returning retourne renvoie renvoyé renvoyée retourné rückgabewert
        zurückgegeben zurück devuelve devuelto retorna retorno retornado restituisce restituito возвращает
        возвращаемое zwraca döner döndürür 返回 返回值 戻り値 返します 返す 반환
    """,
    "function": """
        function functions method methods callback constructor fonction fonctions méthode méthodes
        funktion funktionen methode methoden función funciones método métodos função funções funzione
        funzioni metodo metodi функция функции функцию метод методы funkcja funkcji funkcje metoda metody
        işlev işlevi yöntem yöntemi fonksiyon 函数 函數 方法 関数 メソッド 함수 메서드 메소드
    """,
    "class": """
        class classes interface interfaces struct enum subclass inherits instance instances object objects
        classe klasse klassen schnittstelle schnittstellen clase clases interfaz interfaccia objet objets
        objekt objekte objeto objetos oggetto oggetti класс класса интерфейс объект объекта klasa klasy
        obiekt nesne nesnesi sınıf arayüz 对象 物件 接口 介面 类 オブジェクト クラス インターフェイス 객체
        인터페이스 클래스
    """,
    "type": """
        string strings integer integers boolean booleans bool int float double long char byte bytes array
        arrays object list dict dictionary tuple null none nil true false void undefined unsigned enum
        uint64 chaîne chaînes booléen entier tableau zeichenkette ganzzahl cadena cadenas entero booleano
        matriz stringa intero строка строки массив dizi dizge ciąg liczba tablica 字符串 字串 布尔值 数组
        陣列 整数 文字列 真偽値 配列 문자열 배열 정수 불리언
    """,
    "default": """
        default defaults optional required deprecated défaut facultatif optionnel obligatoire obsolète
        vorgabe standardmäßig voreinstellung erforderlich veraltet defecto predeterminado opcional
        obligatorio padrão predefinito opzionale умолчанию необязательный domyślnie domyślna öntanımlı
        varsayılan seçimlik 默认 默认值 預設 可选 必须 废弃 デフォルト 既定値 省略可 非推奨 기본값 선택
    """,
    "syntax": """
        syntax usage synopsis signature prototype syntaxe utilisation sintaxis sintassi sintaxe uso
        utilizzo verwendung синтаксис использование składnia użycie sözdizimi kullanımı 语法 語法 用法
        構文 書式 使い方 구문 사용법 문법
    """,
    "example": """
        example examples exemple exemples beispiel beispiele ejemplo ejemplos exemplo exemplos esempio
        esempi пример примеры przykład przykłady örnek örnekler 示例 例子 範例 サンプル 예제 예시
    """,
    "option": """
        option options directive directives flag flags setting settings configuration configure config
        attribute attributes property properties attribut attributs propriété propriétés direktive
        direktiven eigenschaft eigenschaften einstellung opción opciones directiva directivas propiedad
        propiedades atributo atributos opção opções propriedade propriedades opzione opzioni proprietà
        direttiva опция директива свойство свойства атрибут opcja opcje właściwość seçenek seçenekler
        yönerge yönergesi yönergeler özellik 属性 选项 指令 配置 プロパティ ディレクティブ オプション 설정
        옵션 속성 지시어
    """,
    "value": """
        value values valeur valeurs wert werte valor valores valore valori значение значения wartość
        wartości değer değeri 値 값 值
    """,
    "module": """
        module modules package packages library libraries plugin import imports namespace bibliothèque
        paquet modul paket bibliothek módulo módulos biblioteca paquete pacote modulo moduli libreria
        модуль модуля модули пакет библиотека moduł moduły modül modülü birim kitaplık 模块 模組 库
        モジュール ライブラリ パッケージ 모듈 라이브러리 패키지
    """,
    "request": """
        request requests response responses endpoint header headers status server client socket requête
        requêtes réponse en-tête serveur anfrage antwort petición respuesta servidor requisição resposta
        richiesta risposta запрос запросы ответ сервер żądanie serwer istek yanıt sunucu sunucusu 请求
        響應 响应 服务器 リクエスト レスポンス サーバ サーバー 요청 응답 서버
    """,
    "error": """
        error errors exception exceptions raise raises raised throw throws thrown erreur erreurs fehler
        ausnahme excepción exceção errore eccezione ошибка ошибки исключение błąd wyjątek hata 错误 异常
        エラー 例外 오류 예외
    """,
    "shell": """
        sudo apt apt-get yum dnf brew npm npx pip pip3 conda curl wget bash sh zsh cd ls mkdir chmod rm cp
        mv grep sed awk cat echo export ssh git make cmake gcc docker kubectl systemctl usr bin etc var
        lib tmp stdin stdout stderr
    """,
    "http": """
        get post put patch delete head http https json xml yaml uri url html api rest oauth token
    """,
    "keyword": """
        def func fn var const import from static public private protected struct enum int self this new
        elif else endif lambda async await yield typedef extern include namespace template override
        extends implements kwargs argv stdin printf println
    """,
    "person": """
        i he she we my me him his her us our ours myself himself herself je j'ai nous elle ich wir mich
        mein meine unser sie yo mi nosotros ella él eu meu nós ela io mio noi lei lui я мы он она мой меня
        нас ja ona ben biz 私 僕 我 我们 我們 나는 우리
    """,
    "told": """
        said says told asked thought felt went came saw knew looked took gave love life man woman child
        mother father night morning heart god king people government president war church dit fit était
        avait homme femme vie sagte hatte mann frau leben dijo era había hombre mujer vida disse uomo
        donna vita сказал был была жизнь
    """,
    "window": """
        click clicks clicking double-click menu menus dialog dialogue button buttons tab tabs checkbox
        icon toolbar window windows mouse drag select choose cliquez cliquer sélectionnez choisissez boîte
        bouton onglet fenêtre icône klicken klick wählen schaltfläche fenster menü dialogfenster maus clic
        haga seleccione botón ventana menú pestaña clique selecione botão janela clicare selezionare
        pulsante finestra scheda нажмите выберите окно кнопка меню kliknij wybierz przycisk okno tıklayın
        seçin düğme pencere 点击 點擊 菜单 对话框 按钮 窗口 クリック ダイアログ ボタン メニュー ウィンドウ
        選択 클릭 대화 메뉴 버튼 창
    """,
    "date": """
        january february march april june july august september october november december monday tuesday
        wednesday thursday friday saturday sunday janvier février mars avril mai juin juillet août
        septembre octobre novembre décembre januar februar märz juni juli oktober dezember enero febrero
        marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio maggio giugno
        luglio settembre ottobre dicembre janeiro fevereiro março января февраля марта апреля мая июня
        июля августа
    """,
}


def _is_spaced(word: str) -> bool:
    return not any("\u3040" <= sign <= "\ud7af" for sign in word)


_LISTS = {name: words.split() for name, words in _CONCEPTS.items()}
OF_WORD: dict[str, list[str]] = {}
for _name, _words in _LISTS.items():
    for _word in _words:
        if _is_spaced(_word):
            OF_WORD.setdefault(_word, []).append(f"c_{_name}")
WORDS = frozenset(OF_WORD)
FIRST_UNSPACED = 0x3040  # code of the first sign of a script without spaces
_UNSPACED = [(word, f"c_{name}") for name, words in _LISTS.items() for word in words if not _is_spaced(word)]


def concepts(counts: Mapping[str, int], body: str) -> dict[str, int]:
    """How often each concept is spoken of. `body` is looked through where `counts` holds ideographs."""
    found: dict[str, int] = {}
    for word in WORDS.intersection(counts):
        for name in OF_WORD[word]:
            found[name] = found.get(name, 0) + counts[word]
    if any(ord(word[0]) >= FIRST_UNSPACED for word in counts):
        for name, times in unspaced(body).items():
            found[name] = found.get(name, 0) + times
    return {name: found[name] for name in sorted(found)}


def unspaced(body: str) -> dict[str, int]:
    """The part of it that is told by words of scripts without spaces."""
    found: dict[str, int] = {}
    holds = set(body).issuperset  # most words are ruled out by a sign that the text has not
    for word, name in _UNSPACED:
        if holds(word) and (times := body.count(word)):
            found[name] = found.get(name, 0) + times
    return found
