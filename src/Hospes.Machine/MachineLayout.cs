namespace Hospes.Machine;

/// <summary>The fixed guest-physical addresses of the machine: everything that <see cref="MachineConfig"/> does not move.</summary>
internal static class MachineLayout
{
    /// <summary>The first byte that is no conventional memory: 640 KiB. A PC has its frame buffer and its ROMs from here to 1 MiB; here it
    /// is RAM too, but reserved, so that kernels that know PCs find nothing odd.</summary>
    public const ulong LegacyHole = 0xA0000;

    /// <summary>The generation id: in RAM that no operating system uses for itself, in a page of its own.</summary>
    public const ulong GenerationId = 0xDF000;

    /// <summary>The ACPI tables, in the stretch that ACPI 6.5, 5.2.5.1 has an operating system search for the root pointer.</summary>
    public const ulong AcpiBase = 0xE0000;

    /// <summary>Bytes of the stretch for the ACPI tables.</summary>
    public const ulong AcpiSize = 0x20000;

    /// <summary>The first byte behind the first MiB.</summary>
    public const ulong ExtendedMemory = 0x100000;

    /// <summary>The I/O APIC's registers (82093AA, 3.0).</summary>
    public const ulong IoApicBase = 0xFEC00000;

    /// <summary>Bytes of the I/O APIC's window.</summary>
    public const ulong IoApicSize = 0x1000;

    /// <summary>The registers by which the tables' code learns of processors that come.</summary>
    public const ulong ProcessorPlugBase = 0xFED10000;

    /// <summary>Bytes of <see cref="ProcessorPlugBase"/>'s window.</summary>
    public const ulong ProcessorPlugSize = 0x1000;

    /// <summary>The local APICs' registers and the address range of message-signalled interrupts (Intel SDM vol. 3, 12.11.1).</summary>
    public const ulong LocalApicBase = 0xFEE00000;

    /// <summary>Bytes of the message-signalled interrupts' address range.</summary>
    public const ulong LocalApicSize = 0x100000;

    /// <summary>What the addresses of memory that comes and goes are multiples of: the largest blocks in which Linux takes such memory on this architecture are 2 GiB.</summary>
    public const ulong PluggedMemoryAlignment = 2UL << 30;

    /// <summary>Device memory that behaves like RAM, for test kernels.</summary>
    public const ulong TestMemoryBase = 0xFF000000;

    /// <summary>Bytes of <see cref="TestMemoryBase"/>.</summary>
    public const ulong TestMemorySize = 0x10000;
}
