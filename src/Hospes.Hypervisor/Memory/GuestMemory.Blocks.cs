using System.Numerics;
using Hospes.Hypervisor.Native;

namespace Hospes.Hypervisor;

/// <summary>Memory that comes and goes in blocks while the guest runs. Where no block is, there is no memory: for the guest, for devices, for anybody.</summary>
public sealed unsafe partial class GuestMemory
{
    /// <summary>Held while blocks come and go, so that engines hear of it in the order in which it happens.</summary>
    private readonly Lock _blocksGate = new();

    /// <summary>Sets a stretch of addresses aside in which memory is to come and go. None is there at first.</summary>
    /// <param name="address">First guest-physical address, a multiple of <paramref name="blockSize"/>.</param>
    /// <param name="size">Bytes, a multiple of <paramref name="blockSize"/>, not 0.</param>
    /// <param name="blockSize">Bytes of a block: a power of two, at least <see cref="PageSize"/>.</param>
    /// <param name="range">The new range, or null.</param>
    /// <param name="huge">Whether it comes from the host's pool of huge pages, which are no larger than a block then; they are taken when a block comes.</param>
    /// <param name="isShared">As with <see cref="Map(ulong, ulong, out MemoryRange?, HugePages, bool)"/>.</param>
    /// <returns>As with <see cref="Map(ulong, ulong, out MemoryRange?, HugePages, bool)"/>.</returns>
    public Status MapBlocks(ulong address, ulong size, ulong blockSize, out MemoryRange? range, HugePages huge = HugePages.None, bool isShared = false)
    {
        range = null;
        if (blockSize < PageSize || !BitOperations.IsPow2(blockSize) || ((address | size) & (blockSize - 1)) != 0) return Status.InvalidArgs;
        return Map(address, size, blockSize, out range, huge, isShared);
    }

    /// <summary>Makes blocks come. They read as zero.</summary>
    /// <param name="address">The first one's guest-physical address.</param>
    /// <param name="size">Bytes of all, a multiple of the block's size, not 0.</param>
    /// <returns><see cref="Status.InvalidArgs"/> for bad alignment, <see cref="Status.NotFound"/> when they are not inside one range with blocks,
    /// <see cref="Status.BadState"/> when one of them is there, <see cref="Status.NoMemory"/> when the host's huge-page pool is used up. Nothing is changed then.</returns>
    public Status Plug(ulong address, ulong size)
    {
        lock (_blocksGate)
        {
            Status status = FindBlocks(address, size, out MemoryRange? range);
            if (status != Status.Ok) return status;
            ulong offset = address - range!.Address;
            if (range.CountThere(offset, size) != 0) return Status.BadState;
            // Whoever still wrote while the blocks went may have left something.
            if (!TryDiscard(range, offset, size)) return Status.NotSupported;
            if (range.PageSize > PageSize && !HostPages.TryTake(range.File, offset, size))
            {
                // It may have got some.
                TryDiscard(range, offset, size);
                return Status.NoMemory;
            }
            range.SetBlocks(offset, size, areThere: true);
            _observer?.BlocksChanged(range, address, size, areThere: true);
        }
        Wrote(address, size);
        return Status.Ok;
    }

    /// <summary>Makes blocks go. The host has their memory back then.</summary>
    /// <param name="address">The first one's guest-physical address.</param>
    /// <param name="size">Bytes of all, a multiple of the block's size, not 0.</param>
    /// <returns>As with <see cref="Plug"/>; <see cref="Status.BadState"/> when one of them is not there.</returns>
    public Status Unplug(ulong address, ulong size)
    {
        lock (_blocksGate)
        {
            Status status = FindBlocks(address, size, out MemoryRange? range);
            if (status != Status.Ok) return status;
            ulong offset = address - range!.Address;
            if (range.CountThere(offset, size) != size) return Status.BadState;
            range.SetBlocks(offset, size, areThere: false);
            _observer?.BlocksChanged(range, address, size, areThere: false);
            return TryDiscard(range, offset, size) ? Status.Ok : Status.NotSupported;
        }
    }

    private static bool TryDiscard(MemoryRange range, ulong offset, ulong size) => HostPages.TryDiscard(range.HostAddress + (nint)offset, (nuint)size, range.File);

    private Status FindBlocks(ulong address, ulong size, out MemoryRange? range)
    {
        range = Find(address);
        if (range is not { BlockSize: > 0 } found || range.HostAddress == 0 || size > range.End - address) return Status.NotFound;
        return size == 0 || ((address | size) & (found.BlockSize - 1)) != 0 ? Status.InvalidArgs : Status.Ok;
    }
}
