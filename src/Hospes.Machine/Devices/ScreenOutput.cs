using Hospes.Display;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A screen as where the picture of a graphics adapter's scanout goes.</summary>
internal sealed class ScreenOutput(Screen screen) : IGpuOutput
{
    /// <inheritdoc/>
    public (int Width, int Height)? Mode => screen.Wanted;

    /// <inheritdoc/>
    public void Show(int width, int height) => screen.Show(width, height);

    /// <inheritdoc/>
    public void Draw(int x, int y, int width, int height, ReadOnlySpan<byte> pixels, int stride) => screen.Draw(x, y, width, height, pixels, stride);

    /// <inheritdoc/>
    public void Blank() => screen.Blank();

    /// <inheritdoc/>
    public void SetCursor(ReadOnlySpan<byte> pixels, int hotX, int hotY) =>
        screen.Cursor = pixels.IsEmpty ? null : new ScreenCursor(GpuLayout.CursorSide, hotX, hotY, pixels.ToArray());

    /// <inheritdoc/>
    public void MoveCursor(int x, int y)
    {
        // Where a person's pointer is, the person's program knows best.
    }
}
