namespace Hospes.Virtio;

/// <summary>Where the picture of a scanout goes. But for <see cref="Mode"/>, it is called on the device's thread; it must not block.</summary>
public interface IGpuOutput
{
    /// <summary>The width and height that the driver is told to use; null for a screen that is off. Any thread.</summary>
    (int Width, int Height)? Mode { get; }

    /// <summary>The picture has this size from now on, and is black.</summary>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows.</param>
    void Show(int width, int height);

    /// <summary>A part of the picture changed.</summary>
    /// <param name="x">The part's left edge.</param>
    /// <param name="y">Its upper edge.</param>
    /// <param name="width">Its width.</param>
    /// <param name="height">Its height.</param>
    /// <param name="pixels">Blue, green, red and a byte without meaning for each pixel; valid during the call.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    void Draw(int x, int y, int width, int height, ReadOnlySpan<byte> pixels, int stride);

    /// <summary>There is no picture any more.</summary>
    void Blank();

    /// <summary>The cursor looks different.</summary>
    /// <param name="pixels">Blue, green, red and alpha of <see cref="GpuLayout.CursorSide"/> rows of as many pixels; empty for no cursor. Valid during the call.</param>
    /// <param name="hotX">The pixel that points, from the left.</param>
    /// <param name="hotY">The pixel that points, from above.</param>
    void SetCursor(ReadOnlySpan<byte> pixels, int hotX, int hotY);

    /// <summary>The cursor is elsewhere.</summary>
    /// <param name="x">From the left; it may lie outside.</param>
    /// <param name="y">From above; it may lie outside.</param>
    void MoveCursor(int x, int y);
}
