using System.Globalization;
using System.Text;

namespace Hospes.Display;

/// <summary>Writes pictures in the portable pixmap format (ppm(5), the raw variant).</summary>
public static class PpmWriter
{
    /// <summary>Writes a picture.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="output">Where to.</param>
    public static void Write(Picture picture, Stream output)
    {
        output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"P6\n{picture.Width} {picture.Height}\n255\n")));
        byte[] row = new byte[picture.Width * 3];
        for (int y = 0; y < picture.Height; y++)
        {
            ColourRows.ToRgb(picture.Pixels.AsSpan(y * picture.Width * Screen.PixelSize, picture.Width * Screen.PixelSize), row);
            output.Write(row);
        }
    }
}
