namespace Hospes.Virtio;

/// <summary>Numbers of the graphics adapter (virtio 1.2, 5.7).</summary>
public static class GpuLayout
{
    /// <summary>Numbers of the queues (5.7.2).</summary>
    public const int Control = 0, Cursor = 1, Queues = 2;

    /// <summary>Feature bit (5.7.3): EDID can be asked for.</summary>
    public const ulong FeatureEdid = 1 << 1;

    /// <summary>Fields of the configuration (5.7.4), each of 4 bytes: events, what clears them, how many scanouts, how many capability sets.</summary>
    public const int EventsRead = 0, EventsClear = 4, ScanoutCount = 8, ConfigBytes = 16;

    /// <summary>Event (5.7.4.1): what <see cref="GpuCommand.GetDisplayInfo"/> tells changed.</summary>
    public const uint DisplayEvent = 1;

    /// <summary>How many scanouts there are at most (5.7.6.8).</summary>
    public const int MostScanouts = 16;

    /// <summary>Bytes of the header of commands and answers, and places in it (5.7.6.7): type, flags, fence, context.</summary>
    public const int HeaderSize = 24, FlagsAt = 4, FenceAt = 8, ContextAt = 16;

    /// <summary>Flag: the answer comes when the command is done, and has the fence's number.</summary>
    public const uint FlagFence = 1;

    /// <summary>Bytes of a rectangle (x, y, width, height), of what is told of a scanout, of an entry of backing, of an answer with EDID (5.7.6.8).</summary>
    public const int RectangleSize = 16, DisplaySize = RectangleSize + 8, EntrySize = 16, EdidAnswer = HeaderSize + 8 + 1024;

    /// <summary>Bytes of commands behind the header.</summary>
    public const int CreateSize = 16, ReferenceSize = 8, ScanoutSize = RectangleSize + 8, FlushSize = RectangleSize + 8, TransferSize = RectangleSize + 16,
        CursorSize = 32;

    /// <summary>Pixels of a side of a cursor (5.7.6.10).</summary>
    public const int CursorSide = 64;
}

/// <summary>Commands (5.7.6.7).</summary>
public enum GpuCommand : uint
{
    /// <summary>Which scanouts there are, and how large.</summary>
    GetDisplayInfo = 0x0100,

    /// <summary>Makes a resource.</summary>
    ResourceCreate2D,

    /// <summary>Ends a resource.</summary>
    ResourceUnref,

    /// <summary>Shows a part of a resource on a scanout.</summary>
    SetScanout,

    /// <summary>What changed in a resource is to be seen.</summary>
    ResourceFlush,

    /// <summary>Copies from the guest's memory to a resource.</summary>
    TransferToHost2D,

    /// <summary>Gives a resource memory of the guest.</summary>
    ResourceAttachBacking,

    /// <summary>Takes that memory away.</summary>
    ResourceDetachBacking,

    /// <summary>What a screen tells of itself.</summary>
    GetEdid = 0x010A,

    /// <summary>Another picture for the cursor, and its place.</summary>
    UpdateCursor = 0x0300,

    /// <summary>Another place for the cursor.</summary>
    MoveCursor,
}

/// <summary>Answers (5.7.6.7).</summary>
public enum GpuAnswer : uint
{
    /// <summary>Done.</summary>
    Ok = 0x1100,

    /// <summary>Done; the scanouts follow.</summary>
    DisplayInfo = 0x1101,

    /// <summary>Done; EDID follows.</summary>
    Edid = 0x1104,

    /// <summary>It can't be done.</summary>
    Unspecified = 0x1200,

    /// <summary>The device has no memory for it.</summary>
    OutOfMemory,

    /// <summary>There is no such scanout.</summary>
    InvalidScanout,

    /// <summary>There is no such resource, or there is one already.</summary>
    InvalidResource,

    /// <summary>There is no such context.</summary>
    InvalidContext,

    /// <summary>Something else is wrong with it.</summary>
    InvalidParameter,
}

/// <summary>Formats of pixels, each of 4 bytes; the letters are the bytes in their order (5.7.6.8).</summary>
public enum GpuFormat : uint
{
    /// <summary>Blue, green, red, alpha.</summary>
    Bgra = 1,

    /// <summary>Blue, green, red, nothing.</summary>
    Bgrx = 2,

    /// <summary>Alpha, red, green, blue.</summary>
    Argb = 3,

    /// <summary>Nothing, red, green, blue.</summary>
    Xrgb = 4,

    /// <summary>Red, green, blue, alpha.</summary>
    Rgba = 67,

    /// <summary>Nothing, blue, green, red.</summary>
    Xbgr = 68,

    /// <summary>Alpha, blue, green, red.</summary>
    Abgr = 121,

    /// <summary>Red, green, blue, nothing.</summary>
    Rgbx = 134,
}

/// <summary>A rectangle as a driver gives it: nothing of it is true until <see cref="IsInside"/>.</summary>
/// <param name="X">The left edge.</param>
/// <param name="Y">The upper edge.</param>
/// <param name="Width">The width.</param>
/// <param name="Height">The height.</param>
public readonly record struct GpuRectangle(uint X, uint Y, uint Width, uint Height)
{
    /// <summary>Whether it has pixels and all of them are among so many.</summary>
    /// <param name="width">How many there are in a row.</param>
    /// <param name="height">How many rows there are.</param>
    public bool IsInside(uint width, uint height) =>
        Width > 0 && Height > 0 && (ulong)X + Width <= width && (ulong)Y + Height <= height;

    /// <summary>What is in both; no width or no height when nothing is.</summary>
    /// <param name="other">The other one; both are inside something.</param>
    public GpuRectangle And(GpuRectangle other)
    {
        uint left = Math.Max(X, other.X), top = Math.Max(Y, other.Y);
        uint right = Math.Min(X + Width, other.X + other.Width), bottom = Math.Min(Y + Height, other.Y + other.Height);
        return new GpuRectangle(left, top, right > left ? right - left : 0, bottom > top ? bottom - top : 0);
    }
}
