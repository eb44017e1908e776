using System.Globalization;

using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>Tells whether a machine can be made from a configuration, and if not, why, in one line with a remedy.</summary>
public static class MachineConfigCheck
{
    /// <summary>The least memory that a machine has: the first MiB, with the tables in it, and as much again for a kernel.</summary>
    public const ulong SmallestMemory = 2UL << 20;

    private const ulong EcamSize = 256UL << 20;
    private const ulong Below4G = 1UL << 32;

    /// <summary>Checks a configuration.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="hostMemory">How many bytes of memory the host has (<see cref="HostMemory.Total"/>).</param>
    /// <param name="message">The cause and the remedy in one line; empty when nothing is wrong.</param>
    /// <returns>The first thing that is wrong, or <see cref="MachineError.None"/>.</returns>
    public static MachineError Check(MachineConfig config, ulong hostMemory, out string message)
    {
        MachineError error = CheckSizes(config, hostMemory, out message);
        if (error == MachineError.None) error = CheckWindows(config, out message);
        if (error == MachineError.None) error = CheckDebugExit(config, out message);
        return error;
    }

    private static MachineError CheckSizes(MachineConfig config, ulong hostMemory, out string message)
    {
        if (config.Vcpus is < 1 or > 255 || config.MaxVcpus is < 0 or > 255)
        {
            message = string.Create(CultureInfo.InvariantCulture, $"a machine can't have {config.MostVcpus} vCPUs; give a number from 1 to 255");
            return MachineError.VcpuCount;
        }
        if (config.Memory == 0)
        {
            message = "a machine can't have a memory size of 0; give a size such as 512M";
            return MachineError.NoMemory;
        }
        if (config.Memory < SmallestMemory)
        {
            message = $"the memory size {Bytes(config.Memory)} is too small; give at least {Bytes(SmallestMemory)}";
            return MachineError.MemoryTooSmall;
        }
        if (config.Memory % GuestMemory.PageSize != 0)
        {
            message = $"the memory size {Bytes(config.Memory)} is not a multiple of 4 KiB; give one that is";
            return MachineError.MemoryNotWholePages;
        }
        if (HugePagePool.PageSize(config.HugePages) is > 0 and var page && ((config.LowMemory | config.HighMemory) & (page - 1)) != 0)
        {
            message = $"the memory size {Bytes(config.Memory)} cannot be made of huge pages of {Bytes(page)}; give a multiple of that";
            return MachineError.MemoryNotWholePages;
        }
        if (config.Memory > hostMemory)
        {
            message = $"the memory size {Bytes(config.Memory)} is more than this host has ({Bytes(hostMemory)}); give less";
            return MachineError.MemoryBeyondHost;
        }
        if (config.RamLowSize < SmallestMemory)
        {
            message = $"ram-low-size {Bytes(config.RamLowSize)} is too small; give at least {Bytes(SmallestMemory)}";
            return MachineError.MemoryTooSmall;
        }
        if (config.HighMemory > config.RamHighSize)
        {
            message = $"the memory size {Bytes(config.Memory)} does not fit into ram-low-size {Bytes(config.RamLowSize)} and ram-high-size {Bytes(config.RamHighSize)}; give less memory or larger windows";
            return MachineError.MemoryBeyondWindows;
        }
        message = "";
        return MachineError.None;
    }

    private static MachineError CheckWindows(MachineConfig config, out string message)
    {
        if (config.RamLowBase != 0)
        {
            message = $"ram-low-base {Hex(config.RamLowBase)} is not 0, where the processors start; leave it at 0";
            return MachineError.LowRamNotAtZero;
        }
        if (config.PciEcamSize is not (0 or EcamSize))
        {
            message = $"pci-ecam-size {Bytes(config.PciEcamSize)} is not possible; give 256 MiB, or 0 for a machine without PCI";
            return MachineError.EcamSize;
        }
        if (config.HasPci && config.PciMmioSize == 0)
        {
            message = "pci-mmio-size is 0, which leaves PCI devices no room; give it a size, or turn PCI off with pci-ecam-size=0";
            return MachineError.NoPciMmio;
        }
        List<Window> windows = Windows(config);
        foreach (Window window in windows)
        {
            ulong alignment = window.Name == "pci-ecam" ? EcamSize : GuestMemory.PageSize;
            if (window.Base % alignment != 0 || window.Size % GuestMemory.PageSize != 0)
            {
                message = $"{window.Name}-base {Hex(window.Base)} or {window.Name}-size {Hex(window.Size)} is not a multiple of {Bytes(alignment)}; give one that is";
                return MachineError.WindowMisaligned;
            }
            if (window.Base >= window.Limit || window.Size > window.Limit - window.Base)
            {
                message = $"{window.Name} ends behind {Hex(window.Limit)}, the end of the addresses that it may have; give a lower {window.Name}-base or a smaller {window.Name}-size";
                return MachineError.WindowOutOfRange;
            }
        }
        windows.AddRange(FixedWindows(config));
        for (int i = 0; i < windows.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (!windows[i].Overlaps(windows[j])) continue;
                message = $"{windows[j]} and {windows[i]} overlap; move or shrink one of them";
                return MachineError.WindowsOverlap;
            }
        }
        message = "";
        return MachineError.None;
    }

    private static MachineError CheckDebugExit(MachineConfig config, out string message)
    {
        if (config.DebugExitPort is ushort port && (port > 0x10000 - DebugExit.PortCount || PortMap.IsTaken(port, DebugExit.PortCount)))
        {
            message = $"the debug-exit port {Hex(port)} meets the ports of another device; give another one, such as 0xF4";
            return MachineError.DebugExitPortTaken;
        }
        message = "";
        return MachineError.None;
    }

    private static List<Window> Windows(MachineConfig config)
    {
        var windows = new List<Window>
        {
            new("ram-low", config.RamLowBase, config.RamLowSize, Below4G),
            new("ram-high", config.RamHighBase, config.RamHighSize, GuestMemory.AddressLimit),
        };
        if (config.HasPci)
        {
            windows.Add(new("pci-ecam", config.PciEcamBase, config.PciEcamSize, GuestMemory.AddressLimit));
            windows.Add(new("pci-mmio", config.PciMmioBase, config.PciMmioSize, Below4G));
            windows.Add(new("pci-mmio-high", config.PciMmioHighBase, config.PciMmioHighSize, GuestMemory.AddressLimit));
        }
        windows.RemoveAll(window => window.Size == 0);
        return windows;
    }

    private static IEnumerable<Window> FixedWindows(MachineConfig config)
    {
        yield return new("the I/O APIC", MachineLayout.IoApicBase, MachineLayout.IoApicSize, Below4G);
        if (config.MostVcpus > config.Vcpus) yield return new("the processors' registers", MachineLayout.ProcessorPlugBase, MachineLayout.ProcessorPlugSize, Below4G);
        yield return new("the local APICs", MachineLayout.LocalApicBase, MachineLayout.LocalApicSize, Below4G);
        if (config.TestDevice) yield return new("the test device's memory", MachineLayout.TestMemoryBase, MachineLayout.TestMemorySize, Below4G);
    }

    private static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:X}");

    private static string Bytes(ulong value) => value switch
    {
        >= 1UL << 30 when value % (1UL << 30) == 0 => string.Create(CultureInfo.InvariantCulture, $"{value >> 30} GiB"),
        >= 1UL << 20 when value % (1UL << 20) == 0 => string.Create(CultureInfo.InvariantCulture, $"{value >> 20} MiB"),
        >= 1UL << 10 when value % (1UL << 10) == 0 => string.Create(CultureInfo.InvariantCulture, $"{value >> 10} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value} bytes"),
    };

    private readonly record struct Window(string Name, ulong Base, ulong Size, ulong Limit)
    {
        public bool Overlaps(Window other) => Base < other.Base + other.Size && other.Base < Base + Size;

        public override string ToString() => $"{Name} ({Hex(Base)}-{Hex(Base + Size - 1)})";
    }
}
