namespace Hospes.Machine;

/// <summary>
/// What stands where a PC's firmware begins. There is none here, but a kernel that restarts a PC of hardware-reduced ACPI without EFI goes there in real mode
/// as its last resort (Linux: <c>reboot=bios</c>).
/// </summary>
internal static class ResetVector
{
    /// <summary>Where a processor begins after its reset, below 1 MiB: FFFFh:0 (Intel SDM, volume 3, 10.1.4).</summary>
    public const ulong Address = 0xFFFF0;

    /// <summary>Resets the machine by the keyboard controller (<see cref="ResetPorts"/>).</summary>
    public static ReadOnlySpan<byte> Code =>
    [
        0xB0, 0xFE,       // mov al, 0xfe
        0xE6, 0x64,       // out 0x64, al
        0xF4, 0xEB, 0xFD, // hlt; jmp to the hlt
    ];
}
