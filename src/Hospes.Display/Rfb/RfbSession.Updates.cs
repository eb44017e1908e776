namespace Hospes.Display.Rfb;

using static RfbNumbers;

/// <summary>What the client is told: parts of the screen that it asked for and has not seen, sizes, cursors.</summary>
internal sealed partial class RfbSession
{
    /// <summary>How many rectangles there are in an update; of more, one is made.</summary>
    private const int MostRectangles = 1000;

    /// <summary>After how many bytes of an update the client is waited for.</summary>
    private const int Portion = 256 << 10;

    /// <summary>How long changes are collected after an update.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(15);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly RfbOutput _output = new();
    private readonly ScreenCopy _copy = new();
    private readonly List<ScreenArea> _changed = [];
    private readonly ScrollFinder _scroll = new();
    private readonly RawEncoder _raw = new();
    private HextileEncoder? _hextile;
    private ZrleEncoder? _zrle;
    private Screen _screen;
    private ScreenCursor? _cursor;
    private bool _hasAll, _hasToldKeys, _hasToldLayout, _hasToldCursor;
    private (int Width, int Height) _told;

    // Under the gate: what the client said.
    private PixelFormat _format = PixelFormat.Own;
    private ClientEncodings _encodings = new();
    private ScreenArea? _wanted, _forgotten;
    private int? _sizeAnswer;
    private bool _needsMap;

    /// <summary>The size that the client knows; before it knows one, that of the screen.</summary>
    private (int Width, int Height) ShownSize
    {
        get
        {
            lock (_gate)
            {
                if (_told == default) _told = _screen.Size;
                return _told;
            }
        }
    }

    private void Watch()
    {
        _screen.Changed += Wake;
        _seat.ScreensChanged += Wake;
        Wake();
    }

    private void Unwatch()
    {
        _screen.Changed -= Wake;
        _seat.ScreensChanged -= Wake;
    }

    private void Wake()
    {
        // One more than needed does no harm, and without end they do not add up.
        if (_wake.CurrentCount == 0) _wake.Release();
    }

    private void SetFormat(PixelFormat format, bool isMapped)
    {
        lock (_gate)
        {
            _format = format;
            _needsMap |= isMapped;
        }
        Wake();
    }

    private void SetEncodings(ClientEncodings encodings)
    {
        lock (_gate) _encodings = encodings;
        Wake();
    }

    private void Request(bool isIncremental, ScreenArea area)
    {
        lock (_gate)
        {
            _wanted = Both(_wanted, area);
            if (!isIncremental) _forgotten = Both(_forgotten, area);
        }
        Wake();
    }

    /// <summary>The client asks for another size (the community's protocol, SetDesktopSize): one screen that is all of it.</summary>
    private void AskForSize(int width, int height, int screens)
    {
        bool isGood = screens == 1 && width is >= Screen.LeastSide and <= Screen.MostSide && height is >= Screen.LeastSide and <= Screen.MostSide;
        if (isGood) _screen.Request(width, height);
        lock (_gate) _sizeAnswer = isGood ? HandedOn : WrongLayout;
        Wake();
    }

    private static ScreenArea Both(ScreenArea? one, ScreenArea other)
    {
        if (one is not { } first) return other;
        int x = Math.Min(first.X, other.X), y = Math.Min(first.Y, other.Y);
        return new ScreenArea(x, y, Math.Max(first.X + first.Width, other.X + other.Width) - x, Math.Max(first.Y + first.Height, other.Y + other.Height) - y);
    }

    private async Task TellAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _wake.WaitAsync(cancellation).ConfigureAwait(false);
            FollowScreen();
            PixelFormat format;
            ClientEncodings encodings;
            ScreenArea? wanted, forgotten;
            int? sizeAnswer;
            bool needsMap;
            lock (_gate)
            {
                (format, encodings, wanted, forgotten, sizeAnswer, needsMap) = (_format, _encodings, _wanted, _forgotten, _sizeAnswer, _needsMap);
                (_wanted, _forgotten, _needsMap) = (null, null, false);
                if (wanted is not null) _sizeAnswer = null;
            }
            if (needsMap)
            {
                WriteMap();
                await FlushAsync(cancellation).ConfigureAwait(false);
            }
            if (forgotten is { } area) _copy.Forget(area);
            if (wanted is not { } asked) continue;
            if (await UpdateAsync(asked, forgotten is not null, format, encodings, sizeAnswer, cancellation).ConfigureAwait(false))
            {
                await Task.Delay(s_pause, _server.Time, cancellation).ConfigureAwait(false);
                Wake();
                continue;
            }
            // Nothing is new: the wish stays.
            lock (_gate) _wanted = Both(_wanted, asked);
        }
    }

    private void FollowScreen()
    {
        Screen main = _seat.Main;
        if (main == _screen) return;
        _screen.Changed -= Wake;
        main.Changed += Wake;
        _screen = main;
        // Another screen's tiles have other stamps.
        _copy.Resize(0, 0, 0);
    }

    /// <summary>Sends what is new; <paramref name="isNew"/> when all of it is, whatever the client saw.</summary>
    /// <returns>False when nothing is.</returns>
    private async Task<bool> UpdateAsync(ScreenArea asked, bool isNew, PixelFormat format, ClientEncodings encodings, int? sizeAnswer, CancellationToken cancellation)
    {
        bool tellsKeys = encodings.HasKeys && !_hasToldKeys, tellsLayout = encodings.HasLayout && !_hasToldLayout;
        ScreenCursor? cursor = _screen.Cursor;
        bool tellsCursor = encodings.HasCursor && (cursor != _cursor || !_hasToldCursor);
        bool isResized = FindChanges(asked, encodings);
        MovedRows? moved = encodings.CanCopy && !isResized && _told == (_copy.Width, _copy.Height) ? FindMoved(isNew || !_hasAll) : null;
        // From an update of everything on, the client has whatever the copy has.
        _hasAll = !isResized && (_hasAll || (asked.X == 0 && asked.Y == 0 && asked.Width >= _told.Width && asked.Height >= _told.Height));
        bool tellsSize = isResized || tellsLayout || (sizeAnswer is not null && encodings.HasLayout);
        int count = (tellsKeys ? 1 : 0) + (tellsCursor ? 1 : 0) + (tellsSize ? 1 : 0) + (moved is null ? 0 : 1) + _changed.Count;
        if (count == 0) return false;
        _output.Bytes([Update, 0]);
        _output.Short(count);
        if (tellsSize) WriteSize(encodings, isResized ? null : sizeAnswer);
        if (tellsKeys) _output.Rectangle(default, ExtendedKeys);
        if (tellsCursor) WriteCursor(cursor, format);
        (_hasToldKeys, _hasToldLayout) = (_hasToldKeys || tellsKeys, _hasToldLayout || tellsSize && encodings.HasLayout);
        if (tellsCursor) (_hasToldCursor, _cursor) = (true, cursor);
        IEncoder encoder = encodings.Favourite switch
        {
            Hextile => _hextile ??= new HextileEncoder(),
            Zrle => _zrle ??= new ZrleEncoder(),
            _ => _raw,
        };
        if (moved is { } rows)
        {
            _output.Rectangle(new ScreenArea(0, rows.To, _copy.Width, rows.Count), CopyRect);
            _output.Short(0);
            _output.Short(rows.From);
        }
        foreach (ScreenArea area in _changed)
        {
            _output.Rectangle(area, encoder.Number);
            encoder.Write(_copy, area, format, _output);
            if (_output.Length >= Portion) await FlushAsync(cancellation).ConfigureAwait(false);
        }
        await FlushAsync(cancellation).ConfigureAwait(false);
        return true;
    }

    /// <summary>Finds out what is new. A client that can be told of another size is told that first and asks again.</summary>
    /// <returns>Whether it has to be told of another size.</returns>
    private bool FindChanges(ScreenArea asked, ClientEncodings encodings)
    {
        _changed.Clear();
        bool isResized = _copy.Refresh(_screen, default, _changed);
        lock (_gate)
        {
            if ((_copy.Width, _copy.Height) != _told && encodings.CanResize)
            {
                _told = (_copy.Width, _copy.Height);
                return true;
            }
        }
        // Where a client can't follow, it sees what fits into the size that it knows.
        ScreenArea area = asked.Clip(_told.Width, _told.Height);
        if (_copy.Refresh(_screen, area, _changed))
        {
            // Again another size since; there will be a next time.
            Wake();
            return false;
        }
        for (int i = 0; i < _changed.Count; i++) _changed[i] = _changed[i].Clip(_told.Width, _told.Height);
        _changed.RemoveAll(static at => at.IsEmpty);
        if (_changed.Count > MostRectangles)
        {
            _changed.Clear();
            _changed.Add(area.Clip(_copy.Width, _copy.Height));
        }
        if (isResized && _changed.Count == 0) Wake();
        return false;
    }

    /// <summary>Finds rows that the client has elsewhere, and takes them out of what is told.</summary>
    /// <param name="isNew">Whether that may not be: the client wants everything told anew, or never had all.</param>
    private MovedRows? FindMoved(bool isNew)
    {
        MovedRows? found = _scroll.Follow(_copy, _changed);
        if (isNew || found is not { } rows) return null;
        int end = rows.To + rows.Count;
        for (int i = _changed.Count - 1; i >= 0; i--)
        {
            ScreenArea area = _changed[i];
            _changed.RemoveAt(i);
            if (area.Y < rows.To) _changed.Add(area with { Height = Math.Min(area.Height, rows.To - area.Y) });
            int below = Math.Max(area.Y, end);
            if (area.Y + area.Height > below) _changed.Add(area with { Y = below, Height = area.Y + area.Height - below });
        }
        return rows;
    }

    /// <summary>Tells the size (7.8.2, and the community's ExtendedDesktopSize with one screen).</summary>
    private void WriteSize(ClientEncodings encodings, int? answer)
    {
        var whole = new ScreenArea(0, 0, _told.Width, _told.Height);
        if (!encodings.HasLayout)
        {
            _output.Rectangle(whole, DesktopSize);
            return;
        }
        _output.Rectangle(whole with { X = answer is null ? ByServer : ByClient, Y = answer ?? Done }, ExtendedDesktopSize);
        _output.Bytes([1, 0, 0, 0]);
        _output.Int(0);
        _output.Short(0);
        _output.Short(0);
        _output.Short(whole.Width);
        _output.Short(whole.Height);
        _output.Int(0);
    }

    /// <summary>The cursor's picture and which of its pixels are to be seen (7.8.1).</summary>
    private void WriteCursor(ScreenCursor? cursor, PixelFormat format)
    {
        int side = cursor?.Side ?? 0;
        _output.Rectangle(new ScreenArea(cursor?.HotX ?? 0, cursor?.HotY ?? 0, side, side), RfbNumbers.Cursor);
        if (cursor is null) return;
        ReadOnlySpan<byte> pixels = cursor.Pixels.Span;
        for (int i = 0; i < pixels.Length; i += Screen.PixelSize) _output.Pixel(format, System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(pixels[i..]));
        for (int y = 0; y < side; y++)
        {
            Span<byte> row = _output.Take((side + 7) / 8);
            row.Clear();
            for (int x = 0; x < side; x++)
            {
                if (pixels[(((y * side) + x) * Screen.PixelSize) + 3] >= 0x80) row[x / 8] |= (byte)(0x80 >> (x % 8));
            }
        }
    }

    /// <summary>What the numbers of <see cref="PixelFormat.Mapped"/> look like (7.6.2).</summary>
    private void WriteMap()
    {
        _output.Bytes([ColourMap, 0]);
        _output.Short(0);
        _output.Short(256);
        for (int i = 0; i < 256; i++)
        {
            _output.Short((i & 7) * ushort.MaxValue / 7);
            _output.Short(((i >> 3) & 7) * ushort.MaxValue / 7);
            _output.Short((i >> 6) * ushort.MaxValue / 3);
        }
    }
}
