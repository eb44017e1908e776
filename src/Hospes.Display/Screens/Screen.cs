namespace Hospes.Display;

/// <summary>A cursor's picture.</summary>
/// <param name="Side">Pixels of a row, and rows.</param>
/// <param name="HotX">The pixel that points, from the left.</param>
/// <param name="HotY">The pixel that points, from above.</param>
/// <param name="Pixels">Blue, green, red and alpha of each pixel.</param>
public sealed record ScreenCursor(int Side, int HotX, int HotY, ReadOnlyMemory<byte> Pixels);

/// <summary>A picture that does not change any more.</summary>
/// <param name="Width">Pixels of a row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Pixels">Blue, green, red and a byte without meaning of each pixel.</param>
public sealed record Picture(int Width, int Height, byte[] Pixels);

/// <summary>
/// One screen of a guest: what is to be seen, and which tiles of it changed when. Who draws never waits for who looks; who looks copies what it has
/// not seen. Thread-safe.
/// </summary>
public sealed class Screen
{
    /// <summary>Pixels of a tile's side.</summary>
    public const int TileSide = 16;

    /// <summary>Bytes of a pixel.</summary>
    public const int PixelSize = 4;

    /// <summary>The smallest and the largest side that the guest may be asked for; RFB's rectangles have no larger ones (RFC 6143, 7.6.1).</summary>
    public const int LeastSide = 16, MostSide = ushort.MaxValue;

    private readonly Lock _gate = new();
    private byte[] _pixels = [];
    private long[] _stamps = [];
    private int _width, _height;
    private long _now = 1, _sizedAt = 1;
    private ScreenCursor? _cursor;
    private (int Width, int Height) _wanted;

    /// <summary>Makes a screen that shows nothing yet.</summary>
    /// <param name="device">The name of the device that draws on it; null for none.</param>
    /// <param name="head">Which of the device's screens it is.</param>
    /// <param name="width">The width that the guest is asked for.</param>
    /// <param name="height">The height that the guest is asked for.</param>
    public Screen(string? device, int head, int width, int height)
    {
        Device = device;
        Head = head;
        _wanted = (width, height);
        Blank();
    }

    /// <summary>The name of the device that draws on it; null for none.</summary>
    public string? Device { get; }

    /// <summary>Which of the device's screens it is.</summary>
    public int Head { get; }

    /// <summary>Told, on the thread that draws, when there is something new to see. It must not block.</summary>
    public event Action? Changed;

    /// <summary>Told when <see cref="Wanted"/> is another one. It must not block.</summary>
    public event Action? WantedChanged;

    /// <summary>The size that the guest is asked for.</summary>
    public (int Width, int Height) Wanted
    {
        get
        {
            lock (_gate) return _wanted;
        }
    }

    /// <summary>The size of what is to be seen.</summary>
    public (int Width, int Height) Size
    {
        get
        {
            lock (_gate) return (_width, _height);
        }
    }

    /// <summary>The cursor that is to be drawn where a person's pointer is; null for none.</summary>
    public ScreenCursor? Cursor
    {
        get => Volatile.Read(ref _cursor);
        set
        {
            Volatile.Write(ref _cursor, value);
            Changed?.Invoke();
        }
    }

    /// <summary>Asks the guest for another size. Whether it takes that is its affair.</summary>
    /// <param name="width">The width, from <see cref="LeastSide"/> to <see cref="MostSide"/>.</param>
    /// <param name="height">The height, likewise.</param>
    public void Request(int width, int height)
    {
        lock (_gate)
        {
            if (_wanted == (width, height)) return;
            _wanted = (width, height);
        }
        WantedChanged?.Invoke();
    }

    /// <summary>What is to be seen has this size from now on, and is black.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    public void Show(int width, int height)
    {
        lock (_gate)
        {
            (_width, _height) = (width, height);
            _pixels = new byte[width * height * PixelSize];
            _stamps = new long[Tiles(width) * Tiles(height)];
            _sizedAt = ++_now;
            Array.Fill(_stamps, _now);
        }
        Changed?.Invoke();
    }

    /// <summary>There is nothing to be seen: black, in the size that the guest is asked for, for a screen as large as a small one at most.</summary>
    public void Blank()
    {
        (int width, int height) = Wanted;
        const int Most = 1024;
        Show(Math.Min(width, Most), Math.Min(height, Most));
    }

    /// <summary>Draws.</summary>
    /// <param name="x">The left edge.</param>
    /// <param name="y">The upper edge.</param>
    /// <param name="width">The width; what is beyond the screen is left out.</param>
    /// <param name="height">The height; what is beyond the screen is left out.</param>
    /// <param name="pixels">Blue, green, red and a byte without meaning of each pixel.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    public void Draw(int x, int y, int width, int height, ReadOnlySpan<byte> pixels, int stride)
    {
        lock (_gate)
        {
            width = Math.Min(width, _width - x);
            height = Math.Min(height, _height - y);
            if (x < 0 || y < 0 || width <= 0 || height <= 0) return;
            int row = width * PixelSize;
            for (int i = 0; i < height; i++) pixels.Slice(i * stride, row).CopyTo(_pixels.AsSpan((((y + i) * _width) + x) * PixelSize));
            long now = ++_now;
            int across = Tiles(_width);
            for (int down = y / TileSide; down <= (y + height - 1) / TileSide; down++)
            {
                int first = x / TileSide, last = (x + width - 1) / TileSide;
                Array.Fill(_stamps, now, (down * across) + first, last - first + 1);
            }
        }
        Changed?.Invoke();
    }

    /// <summary>Takes a copy of all that is to be seen.</summary>
    public Picture Capture()
    {
        lock (_gate) return new Picture(_width, _height, [.. _pixels]);
    }

    /// <summary>How many tiles a number of pixels takes.</summary>
    internal static int Tiles(int pixels) => (pixels + TileSide - 1) / TileSide;

    /// <summary>Brings somebody's copy up to date.</summary>
    /// <param name="copy">The copy.</param>
    /// <param name="area">What of it is looked at; elsewhere it stays as it was.</param>
    /// <param name="changed">Gets the tiles that are new: left and upper edge in tiles.</param>
    /// <returns>Whether the size is another one; nothing else is done then.</returns>
    internal bool Refresh(ScreenCopy copy, ScreenArea area, List<(int X, int Y)> changed)
    {
        lock (_gate)
        {
            if (copy.SizedAt != _sizedAt)
            {
                copy.Resize(_width, _height, _sizedAt);
                return true;
            }
            int across = Tiles(_width);
            ScreenArea inside = area.Clip(_width, _height);
            if (inside.IsEmpty) return false;
            for (int y = inside.Y / TileSide; y <= (inside.Y + inside.Height - 1) / TileSide; y++)
            {
                for (int x = inside.X / TileSide; x <= (inside.X + inside.Width - 1) / TileSide; x++)
                {
                    int tile = (y * across) + x;
                    if (copy.Seen[tile] == _stamps[tile]) continue;
                    copy.Seen[tile] = _stamps[tile];
                    CopyTile(copy, x * TileSide, y * TileSide);
                    changed.Add((x, y));
                }
            }
            return false;
        }
    }

    private void CopyTile(ScreenCopy copy, int x, int y)
    {
        int row = Math.Min(TileSide, _width - x) * PixelSize;
        for (int i = y; i < Math.Min(y + TileSide, _height); i++)
        {
            int at = ((i * _width) + x) * PixelSize;
            _pixels.AsSpan(at, row).CopyTo(copy.Pixels.AsSpan(at));
        }
    }
}
