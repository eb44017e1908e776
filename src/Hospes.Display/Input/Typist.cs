namespace Hospes.Display;

/// <summary>
/// One person's keys and pointer, as a program far away tells of them. Keys for capitals are pressed or let go where a symbol needs that, as far as
/// it is not told which key was meant; what is held is let go at the end. For one thread.
/// </summary>
/// <param name="hub">The guest's devices.</param>
internal sealed class Typist(InputHub hub)
{
    /// <summary>How many keys are held at most: more than anyone has fingers.</summary>
    private const int MostHeld = 32, CapsLight = 2;

    private static readonly ushort[] s_buttons = [PointerCodes.Left, PointerCodes.Middle, PointerCodes.Right];

    private readonly Dictionary<uint, ushort> _symbols = [];
    private readonly HashSet<ushort> _held = [];
    private int _buttons;

    /// <summary>A symbol's key goes down or up.</summary>
    public void Symbol(uint symbol, bool isDown)
    {
        if (!isDown)
        {
            if (_symbols.Remove(symbol, out ushort held)) Key(held, false);
            return;
        }
        if (!KeySymbols.TryFind(symbol, out ushort key, out bool? wantsShift, out bool isLetter)) return;
        if (_symbols.Count >= MostHeld && !_symbols.ContainsKey(symbol)) return;
        _symbols[symbol] = key;
        if (isLetter && (hub.Lights & CapsLight) != 0) wantsShift = !wantsShift;
        bool hasShift = _held.Contains(KeySymbols.LeftShift) || _held.Contains(KeySymbols.RightShift);
        bool changes = wantsShift is { } wanted && wanted != hasShift;
        if (changes) Shift(!hasShift);
        Key(key, true);
        if (changes) Shift(hasShift);
    }

    /// <summary>A key goes down or up.</summary>
    /// <param name="key">The key, in Linux's numbers.</param>
    /// <param name="isDown">Whether down.</param>
    public void Key(ushort key, bool isDown)
    {
        if (isDown ? _held.Count >= MostHeld && !_held.Contains(key) : !_held.Contains(key)) return;
        // A key that is held already is repeated by the guest itself.
        if (isDown ? !_held.Add(key) : !_held.Remove(key)) return;
        Send(key, isDown);
    }

    /// <summary>The pointer is somewhere, with buttons (RFC 6143, 7.5.5): left, middle, right, then the wheel's four ways.</summary>
    public void Pointer(int x, int y, int width, int height, int buttons)
    {
        Span<InputAction> group = stackalloc InputAction[10];
        group[0] = new InputAction(InputKind.Absolute, PointerCodes.X, PointerCodes.Place(x, width));
        group[1] = new InputAction(InputKind.Absolute, PointerCodes.Y, PointerCodes.Place(y, height));
        int count = 2, changed = buttons ^ _buttons;
        for (int i = 0; i < s_buttons.Length; i++)
        {
            if ((changed >> i & 1) != 0) group[count++] = new InputAction(InputKind.Key, s_buttons[i], buttons >> i & 1);
        }
        // A wheel's button that goes down is one step; that it goes up means nothing.
        int turned = changed & buttons;
        if ((turned & 0x18) != 0) group[count++] = new InputAction(InputKind.Relative, PointerCodes.Wheel, (turned & 0x08) != 0 ? 1 : -1);
        if ((turned & 0x60) != 0) group[count++] = new InputAction(InputKind.Relative, PointerCodes.HorizontalWheel, (turned & 0x40) != 0 ? 1 : -1);
        _buttons = buttons;
        hub.Send(group[..count]);
    }

    /// <summary>Lets everything go.</summary>
    public void ReleaseAll()
    {
        foreach (ushort key in _held) Send(key, false);
        _held.Clear();
        _symbols.Clear();
        for (int i = 0; i < s_buttons.Length; i++)
        {
            if ((_buttons >> i & 1) != 0) Send(s_buttons[i], false);
        }
        _buttons = 0;
    }

    private void Shift(bool isDown)
    {
        if (isDown)
        {
            Send(_held.Contains(KeySymbols.RightShift) && !_held.Contains(KeySymbols.LeftShift) ? KeySymbols.RightShift : KeySymbols.LeftShift, true);
            return;
        }
        Send(KeySymbols.LeftShift, false);
        if (_held.Contains(KeySymbols.RightShift)) Send(KeySymbols.RightShift, false);
    }

    private void Send(ushort key, bool isDown) => hub.Send(new InputAction(InputKind.Key, key, isDown ? 1 : 0));
}
