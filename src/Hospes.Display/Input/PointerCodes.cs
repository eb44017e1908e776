namespace Hospes.Display;

/// <summary>Numbers of buttons, wheels and axes in Linux (<c>input-event-codes.h</c>).</summary>
public static class PointerCodes
{
    /// <summary>Buttons: BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA.</summary>
    public const ushort Left = 0x110, Right = 0x111, Middle = 0x112, Side = 0x113, Extra = 0x114;

    /// <summary>Wheels: REL_HWHEEL (to the right counts up), REL_WHEEL (away from the person counts up).</summary>
    public const ushort HorizontalWheel = 6, Wheel = 8;

    /// <summary>Axes: ABS_X, ABS_Y, both REL_X and REL_Y.</summary>
    public const ushort X = 0, Y = 1;

    /// <summary>A place on an axis for a pixel.</summary>
    /// <param name="pixel">The pixel's number; a place beyond the end is the end.</param>
    /// <param name="count">How many pixels there are: 1 or more.</param>
    public static int Place(int pixel, int count) => (int)((long)Math.Clamp(pixel, 0, count - 1) * InputHub.AxisEnd / Math.Max(1, count - 1));
}
