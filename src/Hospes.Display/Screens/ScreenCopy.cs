namespace Hospes.Display;

/// <summary>What somebody who looks at a screen has seen of it. For one thread.</summary>
internal sealed class ScreenCopy
{
    private readonly List<(int X, int Y)> _tiles = [];

    /// <summary>When the screen got the size that the copy has.</summary>
    public long SizedAt { get; private set; }

    /// <summary>Pixels of a row.</summary>
    public int Width { get; private set; }

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>Blue, green, red and a byte without meaning of each pixel.</summary>
    public byte[] Pixels { get; private set; } = [];

    /// <summary>When each tile was drawn on, as it was seen last; 0 for never.</summary>
    public long[] Seen { get; private set; } = [];

    /// <summary>Bytes from one row to the next.</summary>
    public int Stride => Width * Screen.PixelSize;

    /// <summary>Begins anew with another size.</summary>
    public void Resize(int width, int height, long sizedAt)
    {
        (Width, Height, SizedAt) = (width, height, sizedAt);
        Pixels = new byte[width * height * Screen.PixelSize];
        Seen = new long[Screen.Tiles(width) * Screen.Tiles(height)];
    }

    /// <summary>Forgets what was seen of an area, so that it is new again.</summary>
    public void Forget(ScreenArea area)
    {
        ScreenArea inside = area.Clip(Width, Height);
        if (inside.IsEmpty) return;
        int first = inside.X / Screen.TileSide, last = (inside.X + inside.Width - 1) / Screen.TileSide;
        for (int y = inside.Y / Screen.TileSide; y <= (inside.Y + inside.Height - 1) / Screen.TileSide; y++)
            Array.Clear(Seen, (y * Screen.Tiles(Width)) + first, last - first + 1);
    }

    /// <summary>Brings an area up to date.</summary>
    /// <param name="screen">The screen.</param>
    /// <param name="area">What is looked at.</param>
    /// <param name="changed">Gets the rectangles that are new, in tiles' borders.</param>
    /// <returns>Whether the size is another one; nothing else is done then.</returns>
    public bool Refresh(Screen screen, ScreenArea area, List<ScreenArea> changed)
    {
        _tiles.Clear();
        changed.Clear();
        if (screen.Refresh(this, area, _tiles)) return true;
        Merge(changed);
        return false;
    }

    /// <summary>Puts tiles beside each other together, and then rows of them that begin and end alike.</summary>
    private void Merge(List<ScreenArea> areas)
    {
        int above = 0;
        for (int i = 0; i < _tiles.Count;)
        {
            (int x, int y) = _tiles[i];
            int first = i;
            while (i < _tiles.Count && _tiles[i] == (x + i - first, y)) i++;
            var run = new ScreenArea(x * Screen.TileSide, y * Screen.TileSide, (i - first) * Screen.TileSide, Screen.TileSide);
            // Rectangles that end higher than just above this row can't grow any more.
            while (above < areas.Count && areas[above].Y + areas[above].Height < run.Y) above++;
            int match = areas.FindIndex(above, at => at.Y + at.Height == run.Y && at.X == run.X && at.Width == run.Width);
            if (match < 0) areas.Add(run);
            else areas[match] = areas[match] with { Height = areas[match].Height + Screen.TileSide };
        }
        for (int i = 0; i < areas.Count; i++) areas[i] = areas[i].Clip(Width, Height);
    }
}
