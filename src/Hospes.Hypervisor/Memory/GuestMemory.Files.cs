using System.Runtime.InteropServices;
using Hospes.Hypervisor.Native;

namespace Hospes.Hypervisor;

/// <summary>A stretch of the guest-physical address space, as a device was told of it: nothing is known of what is there.</summary>
/// <param name="Address">Its first address.</param>
/// <param name="Length">Bytes.</param>
public readonly record struct MemoryPart(ulong Address, uint Length);

/// <summary>Data that go between files and guest memory without a copy in between.</summary>
public sealed unsafe partial class GuestMemory
{
    // SAFETY: the kernel is given addresses that Locate checked, of ranges that stay mapped until Dispose; what the guest does to the bytes meanwhile
    // changes only which bytes are moved.

    /// <summary>Stretches that are handed to the kernel at once: 2 KiB of stack.</summary>
    private const int VectorsAtOnce = 128;

    /// <summary>Fills parts of guest memory, one after the other, from a file.</summary>
    /// <param name="file">A descriptor that may be read.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="parts">The parts.</param>
    /// <returns>How many bytes came, fewer at the file's end; or the negative error number of Linux, 14 (EFAULT) when the first part that is left lies outside RAM.</returns>
    public long ReadFile(int file, long offset, ReadOnlySpan<MemoryPart> parts) => Move(file, offset, parts, isRead: true, flags: 0);

    /// <summary>Writes parts of guest memory, one after the other, to a file.</summary>
    /// <param name="file">A descriptor that may be written.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="parts">The parts.</param>
    /// <param name="appends">Whether they go to the file's end instead, wherever that is by then (pwritev2(2), RWF_APPEND).</param>
    /// <returns>How many bytes went; or the negative error number of Linux, as with <see cref="ReadFile"/>.</returns>
    public long WriteFile(int file, long offset, ReadOnlySpan<MemoryPart> parts, bool appends = false) =>
        Move(file, offset, parts, isRead: false, appends ? LibC.WriteAppends : 0);

    private long Move(int file, long offset, ReadOnlySpan<MemoryPart> parts, bool isRead, int flags)
    {
        LibC.Vector* vectors = stackalloc LibC.Vector[VectorsAtOnce];
        long moved = 0;
        uint begun = 0;
        int at = 0;
        while (at < parts.Length)
        {
            int first = at, count = 0;
            uint firstBegun = begun;
            ulong wanted = 0;
            bool isOutside = false;
            while (count < VectorsAtOnce && at < parts.Length)
            {
                uint left = parts[at].Length - begun;
                if (left > 0)
                {
                    byte* host = Locate(parts[at].Address + begun, 1, out ulong inRange);
                    if (host == null)
                    {
                        isOutside = true;
                        break;
                    }
                    uint part = (uint)Math.Min(inRange, left);
                    vectors[count++] = new LibC.Vector { Start = (nint)host, Length = part };
                    wanted += part;
                    begun += part;
                    if (begun < parts[at].Length) continue;
                }
                at++;
                begun = 0;
            }
            if (count == 0) return isOutside && moved == 0 ? -LibC.BadAddress : moved;
            nint done;
            int error;
            do
            {
                done = isRead ? LibC.ReadAt(file, vectors, count, offset + moved) : LibC.WriteAt(file, vectors, count, offset + moved, flags);
                error = done < 0 ? Marshal.GetLastPInvokeError() : 0;
            }
            while (error == LibC.Interrupted);
            if (done < 0) return moved > 0 ? moved : -error;
            if (isRead) Came(parts[first..], firstBegun, (ulong)done);
            moved += done;
            if ((ulong)done < wanted) break;
        }
        return moved;
    }

    /// <summary>Tells of bytes that came into parts.</summary>
    private void Came(ReadOnlySpan<MemoryPart> parts, uint begun, ulong bytes)
    {
        foreach (MemoryPart part in parts)
        {
            if (bytes == 0) return;
            ulong length = Math.Min(part.Length - begun, bytes);
            if (length > 0) Wrote(part.Address + begun, length);
            bytes -= length;
            begun = 0;
        }
    }
}
