using System.Runtime.InteropServices;

namespace Hospes.Display.Rfb;

/// <summary>The pixels of a tile, and the few colours that it has. For one thread.</summary>
/// <param name="side">Pixels of a whole tile's side.</param>
internal sealed class TilePixels(int side)
{
    /// <summary>How many colours are counted.</summary>
    public const int MostColours = 16;

    private readonly uint[] _pixels = new uint[side * side];
    private readonly uint[] _colours = new uint[MostColours];
    private readonly int[] _counts = new int[MostColours];

    /// <summary>Pixels of a row.</summary>
    public int Width { get; private set; }

    /// <summary>Rows.</summary>
    public int Height { get; private set; }

    /// <summary>How many colours there are; 0 for more than are counted.</summary>
    public int ColourCount { get; private set; }

    /// <summary>The pixels, row by row.</summary>
    public ReadOnlySpan<uint> Pixels => _pixels.AsSpan(0, Width * Height);

    /// <summary>The colours, as far as they are counted.</summary>
    public ReadOnlySpan<uint> Colours => _colours.AsSpan(0, ColourCount);

    /// <summary>The colour of most pixels among those that are counted; of the first pixel where there are too many.</summary>
    public uint Background
    {
        get
        {
            if (ColourCount == 0) return _pixels[0];
            int most = 0;
            for (int i = 1; i < ColourCount; i++)
            {
                if (_counts[i] > _counts[most]) most = i;
            }
            return _colours[most];
        }
    }

    /// <summary>Takes a tile; the byte without meaning is left out.</summary>
    public void Load(ScreenCopy copy, ScreenArea tile)
    {
        (Width, Height, ColourCount) = (tile.Width, tile.Height, 0);
        bool counts = true;
        int known = 0;
        for (int y = 0; y < tile.Height; y++)
        {
            ReadOnlySpan<uint> row = MemoryMarshal.Cast<byte, uint>(copy.Pixels.AsSpan(((tile.Y + y) * copy.Stride) + (tile.X * Screen.PixelSize), tile.Width * Screen.PixelSize));
            for (int x = 0; x < row.Length; x++)
            {
                uint pixel = row[x] & 0xFF_FFFF;
                _pixels[(y * tile.Width) + x] = pixel;
                if (!counts) continue;
                int at = _colours.AsSpan(0, known).IndexOf(pixel);
                if (at >= 0)
                {
                    _counts[at]++;
                }
                else if (known < MostColours)
                {
                    _colours[known] = pixel;
                    _counts[known++] = 1;
                }
                else
                {
                    counts = false;
                }
            }
        }
        ColourCount = counts ? known : 0;
    }

    /// <summary>Which of <see cref="Colours"/> a pixel has.</summary>
    public int IndexOf(uint pixel) => Colours.IndexOf(pixel);
}
