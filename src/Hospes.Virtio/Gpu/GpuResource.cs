using Hospes.Hypervisor;

namespace Hospes.Virtio;

/// <summary>A picture in the device (virtio 1.2, 5.7.6.1), and the guest's memory that it is copied from.</summary>
internal sealed class GpuResource
{
    /// <summary>What a resource costs beside its pixels, so that small ones are not free.</summary>
    public const ulong Overhead = 256;

    /// <summary>Bytes of a pixel in every format.</summary>
    public const int PixelSize = 4;

    private (ulong Address, uint Length)[] _entries = [];
    private ulong[] _ends = [];

    /// <param name="format">The format of its pixels.</param>
    /// <param name="width">Pixels of a row.</param>
    /// <param name="height">Rows; with the width they were found to fit.</param>
    public GpuResource(GpuFormat format, uint width, uint height)
    {
        Format = format;
        Width = width;
        Height = height;
        Pixels = new byte[(int)(width * height * PixelSize)];
    }

    public GpuFormat Format { get; }

    public uint Width { get; }

    public uint Height { get; }

    public byte[] Pixels { get; }

    public int Stride => (int)Width * PixelSize;

    public bool HasBacking => _entries.Length > 0;

    /// <summary>Bytes that the device pays for it.</summary>
    public ulong Cost => (ulong)Pixels.Length + Overhead + BackingCost((uint)_entries.Length);

    /// <summary>Bytes that a number of entries of backing costs.</summary>
    public static ulong BackingCost(uint entries) => entries * 24UL;

    /// <summary>Bytes of a picture.</summary>
    public static ulong PixelCost(uint width, uint height) => height == 0 ? 0 : width > ulong.MaxValue / PixelSize / height ? ulong.MaxValue : (ulong)width * height * PixelSize;

    /// <summary>Gives it memory of the guest; none takes it away.</summary>
    public void SetBacking((ulong Address, uint Length)[] entries)
    {
        _entries = entries;
        _ends = new ulong[entries.Length];
        ulong end = 0;
        for (int i = 0; i < entries.Length; i++) _ends[i] = end += entries[i].Length;
    }

    /// <summary>Copies a rectangle from the guest's memory, whose rows are as long as the resource's.</summary>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="part">The rectangle, inside the resource.</param>
    /// <param name="offset">Where its first pixel is in the backing.</param>
    /// <returns>False when the backing does not reach so far, or is no memory.</returns>
    public bool Transfer(GuestMemory memory, GpuRectangle part, ulong offset)
    {
        ulong all = _ends.Length == 0 ? 0 : _ends[^1];
        ulong wanted = ((ulong)(part.Height - 1) * (ulong)Stride) + ((ulong)part.Width * PixelSize);
        if (offset > all || wanted > all - offset) return false;
        int at = (int)(((part.Y * Width) + part.X) * PixelSize), row = (int)part.Width * PixelSize;
        if (row == Stride) return Read(memory, offset, Pixels.AsSpan(at, (int)wanted));
        for (uint y = 0; y < part.Height; y++)
        {
            if (!Read(memory, offset + (y * (ulong)Stride), Pixels.AsSpan(at + ((int)y * Stride), row))) return false;
        }
        return true;
    }

    /// <summary>Copies from the backing, in which the whole of it lies.</summary>
    private bool Read(GuestMemory memory, ulong offset, Span<byte> destination)
    {
        int entry = Array.BinarySearch(_ends, offset + 1);
        if (entry < 0) entry = ~entry;
        for (; !destination.IsEmpty; entry++)
        {
            (ulong address, uint length) = _entries[entry];
            ulong skipped = offset - (_ends[entry] - length);
            int part = (int)Math.Min(length - skipped, (ulong)destination.Length);
            if (address > ulong.MaxValue - length || !memory.TryRead(address + skipped, destination[..part])) return false;
            destination = destination[part..];
            offset += (uint)part;
        }
        return true;
    }
}
