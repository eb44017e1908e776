using System.Buffers.Binary;

namespace Hospes.Virtio;

using static GpuLayout;

/// <summary>Pictures, scanouts and the cursor (virtio 1.2, 5.7.6.8 and 5.7.6.10).</summary>
public sealed partial class GpuDevice
{
    private static bool IsFormat(GpuFormat format) =>
        format is GpuFormat.Bgra or GpuFormat.Bgrx or GpuFormat.Argb or GpuFormat.Xrgb or GpuFormat.Rgba or GpuFormat.Xbgr or GpuFormat.Abgr or GpuFormat.Rgbx;

    /// <summary>Takes memory of the host, as far as the guest may have some.</summary>
    private bool TryPay(ulong bytes)
    {
        if (bytes > _settings.HostMemory - Math.Min(_used, _settings.HostMemory)) return false;
        Volatile.Write(ref _used, _used + bytes);
        return true;
    }

    private GpuAnswer Create(uint id, GpuFormat format, uint width, uint height)
    {
        if (id == 0 || _resources.ContainsKey(id)) return GpuAnswer.InvalidResource;
        if (!IsFormat(format) || width == 0 || height == 0) return GpuAnswer.InvalidParameter;
        ulong bytes = GpuResource.PixelCost(width, height);
        if (bytes > int.MaxValue - GpuResource.Overhead || !TryPay(bytes + GpuResource.Overhead)) return GpuAnswer.OutOfMemory;
        _resources.Add(id, new GpuResource(format, width, height));
        return GpuAnswer.Ok;
    }

    private GpuAnswer Unref(uint id)
    {
        if (!_resources.Remove(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        for (int i = 0; i < _scanouts.Length; i++)
        {
            if (_scanouts[i].Resource == resource) Blank(i);
        }
        Volatile.Write(ref _used, _used - resource.Cost);
        return GpuAnswer.Ok;
    }

    private void Blank(int scanout)
    {
        if (_scanouts[scanout].Resource is null) return;
        Volatile.Write(ref _used, _used - _scanouts[scanout].Cost);
        _scanouts[scanout] = default;
        _outputs[scanout].Blank();
    }

    private GpuAnswer SetScanout(GpuRectangle part, uint scanout, uint id)
    {
        if (scanout >= (uint)_scanouts.Length) return GpuAnswer.InvalidScanout;
        if (id == 0)
        {
            Blank((int)scanout);
            return GpuAnswer.Ok;
        }
        if (!_resources.TryGetValue(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        if (!part.IsInside(resource.Width, resource.Height)) return GpuAnswer.InvalidParameter;
        Scanout before = _scanouts[scanout], next = new(resource, part);
        // What is shown is a copy, which is paid for as well.
        if (next.Cost > before.Cost && !TryPay(next.Cost - before.Cost)) return GpuAnswer.OutOfMemory;
        if (next.Cost < before.Cost) Volatile.Write(ref _used, _used - (before.Cost - next.Cost));
        _scanouts[scanout] = next;
        if (before.Part.Width != part.Width || before.Part.Height != part.Height) _outputs[scanout].Show((int)part.Width, (int)part.Height);
        Draw((int)scanout, part);
        return GpuAnswer.Ok;
    }

    private GpuAnswer Flush(GpuRectangle part, uint id)
    {
        if (!_resources.TryGetValue(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        if (!part.IsInside(resource.Width, resource.Height)) return GpuAnswer.InvalidParameter;
        for (int i = 0; i < _scanouts.Length; i++)
        {
            if (_scanouts[i].Resource == resource) Draw(i, part.And(_scanouts[i].Part));
        }
        return GpuAnswer.Ok;
    }

    private GpuAnswer Transfer(GpuRectangle part, ulong offset, uint id)
    {
        if (!_resources.TryGetValue(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        if (!resource.HasBacking) return GpuAnswer.Unspecified;
        if (!part.IsInside(resource.Width, resource.Height)) return GpuAnswer.InvalidParameter;
        return Memory is { } memory && resource.Transfer(memory, part, offset) ? GpuAnswer.Ok : GpuAnswer.InvalidParameter;
    }

    private GpuAnswer Attach(DescriptorChain chain, uint id, uint count)
    {
        if (!_resources.TryGetValue(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        if (resource.HasBacking || count is 0 or > MostEntries) return GpuAnswer.Unspecified;
        const uint Start = HeaderSize + ReferenceSize;
        if (chain.ReadableBytes < Start + (count * EntrySize)) return GpuAnswer.InvalidParameter;
        if (!TryPay(GpuResource.BackingCost(count))) return GpuAnswer.OutOfMemory;
        var entries = new (ulong Address, uint Length)[count];
        for (uint first = 0; first < count; first += EntriesAtOnce)
        {
            int part = (int)Math.Min(count - first, EntriesAtOnce);
            // What can't be read breaks the queue, and nothing follows but a reset.
            if (!chain.Read(Start + (first * EntrySize), _entries.AsSpan(0, part * EntrySize))) return GpuAnswer.Unspecified;
            for (int i = 0; i < part; i++)
            {
                ReadOnlySpan<byte> entry = _entries.AsSpan(i * EntrySize, EntrySize);
                entries[first + i] = (BinaryPrimitives.ReadUInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]));
            }
        }
        resource.SetBacking(entries);
        return GpuAnswer.Ok;
    }

    private GpuAnswer Detach(uint id)
    {
        if (!_resources.TryGetValue(id, out GpuResource? resource)) return GpuAnswer.InvalidResource;
        if (!resource.HasBacking) return GpuAnswer.Unspecified;
        ulong before = resource.Cost;
        resource.SetBacking([]);
        Volatile.Write(ref _used, _used - (before - resource.Cost));
        return GpuAnswer.Ok;
    }

    /// <summary>Shows a part of a scanout's picture, which lies inside the part that the scanout shows.</summary>
    private void Draw(int scanout, GpuRectangle part)
    {
        (GpuResource? resource, GpuRectangle shown) = _scanouts[scanout];
        if (resource is null || part.Width == 0 || part.Height == 0) return;
        int at = ((int)part.Y * resource.Stride) + ((int)part.X * GpuResource.PixelSize), row = (int)part.Width * GpuResource.PixelSize;
        int x = (int)(part.X - shown.X), y = (int)(part.Y - shown.Y);
        if (resource.Format is GpuFormat.Bgra or GpuFormat.Bgrx)
        {
            _outputs[scanout].Draw(x, y, (int)part.Width, (int)part.Height, resource.Pixels.AsSpan(at, (((int)part.Height - 1) * resource.Stride) + row), resource.Stride);
            return;
        }
        if (_row.Length < row) _row = new byte[row];
        for (int i = 0; i < (int)part.Height; i++, at += resource.Stride)
        {
            ToBgra(resource.Format, resource.Pixels.AsSpan(at, row), _row);
            _outputs[scanout].Draw(x, y + i, (int)part.Width, 1, _row.AsSpan(0, row), row);
        }
    }

    private static void ToBgra(GpuFormat format, ReadOnlySpan<byte> source, Span<byte> destination)
    {
        // Where blue, green, red and alpha are.
        (int b, int g, int r, int a) = format switch
        {
            GpuFormat.Argb or GpuFormat.Xrgb => (3, 2, 1, 0),
            GpuFormat.Rgba or GpuFormat.Rgbx => (2, 1, 0, 3),
            GpuFormat.Xbgr or GpuFormat.Abgr => (1, 2, 3, 0),
            _ => (0, 1, 2, 3),
        };
        for (int i = 0; i + 3 < source.Length; i += GpuResource.PixelSize)
        {
            destination[i] = source[i + b];
            destination[i + 1] = source[i + g];
            destination[i + 2] = source[i + r];
            destination[i + 3] = source[i + a];
        }
    }

    /// <summary>Commands of the cursor's queue: place (scanout, x, y), picture, the pixel that points.</summary>
    private int ExecuteCursor(int length)
    {
        var command = (GpuCommand)BinaryPrimitives.ReadUInt32LittleEndian(_command);
        if (command is not (GpuCommand.UpdateCursor or GpuCommand.MoveCursor) || length < HeaderSize + CursorSize) return Answer(GpuAnswer.Unspecified);
        uint scanout = Field(0), id = Field(16);
        if (scanout >= (uint)_outputs.Length) return Answer(GpuAnswer.InvalidScanout);
        if (command == GpuCommand.UpdateCursor && id == 0)
        {
            _outputs[scanout].SetCursor([], 0, 0);
        }
        else if (command == GpuCommand.UpdateCursor)
        {
            if (!_resources.TryGetValue(id, out GpuResource? resource)) return Answer(GpuAnswer.InvalidResource);
            if (resource is not { Width: CursorSide, Height: CursorSide }) return Answer(GpuAnswer.InvalidParameter);
            byte[] pixels = new byte[resource.Pixels.Length];
            ToBgra(resource.Format, resource.Pixels, pixels);
            _outputs[scanout].SetCursor(pixels, (int)Math.Min(Field(20), CursorSide - 1), (int)Math.Min(Field(24), CursorSide - 1));
        }
        _outputs[scanout].MoveCursor((int)Field(4), (int)Field(8));
        return Answer(GpuAnswer.Ok);
    }
}
