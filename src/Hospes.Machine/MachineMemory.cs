using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>Maps a machine's memory: RAM, and behind it in the high window what comes and goes in blocks.</summary>
internal static class MachineMemory
{
    /// <summary>Maps it.</summary>
    /// <param name="memory">The guest's, with nothing in it.</param>
    /// <param name="config">The machine, which was checked.</param>
    /// <param name="devices">Its devices; those of memory are told their place.</param>
    /// <param name="message">The cause and the remedy in one line; empty when all is well, or for <see cref="MachineError.GuestNotEmpty"/>.</param>
    public static MachineError Map(GuestMemory memory, MachineConfig config, IReadOnlyList<MachineDevice> devices, out string message)
    {
        Status status = memory.Map(config.RamLowBase, config.LowMemory, out _, config.HugePages);
        if (status == Status.Ok && config.HighMemory != 0) status = memory.Map(config.RamHighBase, config.HighMemory, out _, config.HugePages);
        if (status == Status.Ok && config.TestDevice) status = memory.Map(MachineLayout.TestMemoryBase, MachineLayout.TestMemorySize, out _);
        ulong next = config.RamHighBase + config.HighMemory, end = config.RamHighBase + config.RamHighSize;
        foreach (MachineDevice device in devices)
        {
            if (status != Status.Ok) break;
            if (device is not { Device: MemoryDevice region, Memory: { } options }) continue;
            ulong alignment = Math.Max(MachineLayout.PluggedMemoryAlignment, options.BlockSize);
            next = (next + alignment - 1) & ~(alignment - 1);
            if (next > end || options.Size > end - next)
            {
                message = "the memory that can be plugged in does not fit into ram-high-size behind the RAM that is there; give less, or a larger ram-high-size";
                return MachineError.MemoryBeyondWindows;
            }
            status = memory.MapBlocks(next, options.Size, options.BlockSize, out _, options.HugePages, options.IsShared);
            region.Place(next);
            next += options.Size;
        }
        message = status != Status.NoMemory ? ""
            : HugePagePool.PageSize(config.HugePages) != 0 ? HugePagePool.Explain(config.HugePages, config.Memory)
            : "the host refused the guest's memory; give the guest less, or stop something else";
        return status switch
        {
            Status.Ok => MachineError.None,
            Status.NoMemory => MachineError.HostRefusedMemory,
            _ => MachineError.GuestNotEmpty,
        };
    }
}
