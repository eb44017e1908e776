namespace Hospes.Display;

/// <summary>A key of a keyboard by its names.</summary>
/// <param name="Name">As QEMU's <c>QKeyCode</c> has it (<c>qapi/ui.json</c>).</param>
/// <param name="Code">Its number in Linux (<c>input-event-codes.h</c>).</param>
/// <param name="Number">Its number as QEMU's QMP and RFB's extended key event have it: the code of a PC XT, with 0x80 where 0xE0 goes before it.</param>
public readonly record struct KeyName(string Name, ushort Code, byte Number);

/// <summary>The keys that there are names for, and numbers of other countings for them.</summary>
public static class KeyTable
{
    /// <summary>What goes before the second half of an XT code's table.</summary>
    private const byte Extended = 0x80;

    private static readonly Dictionary<string, ushort> s_byName;
    private static readonly ushort[] s_byNumber = new ushort[256];

    static KeyTable()
    {
        s_byName = All.ToDictionary(static key => key.Name, static key => key.Code);
        // Codes of the first half of the table are Linux's own numbers but where a row says otherwise.
        for (int number = 1; number <= 0x58; number++) s_byNumber[number] = (ushort)number;
        foreach (KeyName key in All) s_byNumber[key.Number] = key.Code;
    }

    /// <summary>The keys.</summary>
    public static IReadOnlyList<KeyName> All { get; } =
    [
        .. Run(1, "esc", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equal", "backspace"),
        .. Run(15, "tab", "q", "w", "e", "r", "t", "y", "u", "i", "o", "p", "bracket_left", "bracket_right", "ret", "ctrl"),
        .. Run(30, "a", "s", "d", "f", "g", "h", "j", "k", "l", "semicolon", "apostrophe", "grave_accent", "shift", "backslash"),
        .. Run(44, "z", "x", "c", "v", "b", "n", "m", "comma", "dot", "slash", "shift_r", "kp_multiply", "alt", "spc", "caps_lock"),
        .. Run(59, "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "num_lock", "scroll_lock"),
        .. Run(71, "kp_7", "kp_8", "kp_9", "kp_subtract", "kp_4", "kp_5", "kp_6", "kp_add", "kp_1", "kp_2", "kp_3", "kp_0", "kp_decimal"),
        .. Run(86, "less", "f11", "f12"),
        new("asterisk", 55, 0x37), new("sysrq", 99, 0x54), new("print", 99, 0xB7),
        new("ro", 89, 0x73), new("hiragana", 91, 0x77), new("henkan", 92, 0x79), new("katakanahiragana", 93, 0x70), new("muhenkan", 94, 0x7B), new("yen", 124, 0x7D),
        new("kp_enter", 96, 0x9C), new("ctrl_r", 97, 0x9D), new("kp_divide", 98, 0xB5), new("alt_r", 100, 0xB8), new("lf", 101, 0x5B),
        new("home", 102, 0xC7), new("up", 103, 0xC8), new("pgup", 104, 0xC9), new("left", 105, 0xCB), new("right", 106, 0xCD), new("end", 107, 0xCF),
        new("down", 108, 0xD0), new("pgdn", 109, 0xD1), new("insert", 110, 0xD2), new("delete", 111, 0xD3), new("audiomute", 113, 0xA0),
        new("volumedown", 114, 0xAE), new("volumeup", 115, 0xB0), new("power", 116, 0xDE), new("kp_equals", 117, 0x59), new("pause", 119, 0xC6),
        new("kp_comma", 121, 0x7E), new("lang1", 122, 0x72), new("lang2", 123, 0x71), new("meta_l", 125, 0xDB), new("meta_r", 126, 0xDC), new("compose", 127, 0xDD),
        new("stop", 128, 0xE8), new("again", 129, 0x85), new("props", 130, 0x86), new("undo", 131, 0x87), new("front", 132, 0x8C), new("copy", 133, 0xF8),
        new("open", 134, 0x64), new("paste", 135, 0x65), new("find", 136, 0xC1), new("cut", 137, 0xBC), new("help", 138, 0xF5), new("menu", 139, 0x9E),
        new("calculator", 140, 0xA1), new("sleep", 142, 0xDF), new("wake", 143, 0xE3), new("mail", 155, 0xEC), new("ac_bookmarks", 156, 0xE6),
        new("computer", 157, 0xEB), new("ac_back", 158, 0xEA), new("ac_forward", 159, 0xE9), new("audionext", 163, 0x99), new("audioplay", 164, 0xA2),
        new("audioprev", 165, 0x90), new("audiostop", 166, 0xA4), new("ac_home", 172, 0xB2), new("ac_refresh", 173, 0xE7), new("mediaselect", 226, 0xED),
    ];

    /// <summary>Finds a key by its name.</summary>
    /// <param name="name">The name.</param>
    /// <param name="code">Its number in Linux.</param>
    public static bool TryFind(string name, out ushort code) => s_byName.TryGetValue(name, out code);

    /// <summary>Finds a key by its number on a PC XT, where 0xE0 goes before the second half: as 0x9D, 0xE01D or, from some, 0xE09D.</summary>
    /// <param name="number">The number.</param>
    /// <param name="code">Its number in Linux.</param>
    public static bool TryFind(long number, out ushort code)
    {
        bool isLong = (number & ~0xFFL) == 0xE000;
        code = isLong ? s_byNumber[(number & 0xFF) | Extended] : number is > 0 and <= 0xFF ? s_byNumber[number] : (ushort)0;
        return code != 0;
    }

    /// <summary>Keys whose number is that of Linux, which counted them so from the XT.</summary>
    private static IEnumerable<KeyName> Run(ushort first, params string[] names) => names.Select((name, index) => new KeyName(name, (ushort)(first + index), (byte)(first + index)));
}
