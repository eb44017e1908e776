namespace Hospes.Display;

/// <summary>A rectangle of pixels.</summary>
/// <param name="X">The left edge, 0 or more.</param>
/// <param name="Y">The upper edge, 0 or more.</param>
/// <param name="Width">The width.</param>
/// <param name="Height">The height.</param>
public readonly record struct ScreenArea(int X, int Y, int Width, int Height)
{
    /// <summary>Whether there are no pixels in it.</summary>
    public bool IsEmpty => Width <= 0 || Height <= 0;

    /// <summary>What of it is on a screen.</summary>
    /// <param name="width">The screen's width.</param>
    /// <param name="height">The screen's height.</param>
    public ScreenArea Clip(int width, int height) => new(X, Y, Math.Min(Width, width - X), Math.Min(Height, height - Y));
}
