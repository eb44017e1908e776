using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>What the engine knows of one 4 KiB page of guest RAM, shared by all vCPUs. Changed under the code gate; read freely.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PageInfo
{
    /// <summary>Bytes of one bit of <see cref="CodeLow"/> and <see cref="CodeHigh"/>.</summary>
    public const int ChunkBytes = 32;

    /// <summary>Counts how often decoded code of the page was thrown away; a block is valid while its copy equals this.</summary>
    public uint Generation;

    /// <summary>1 while some block was decoded from the page: writes then take the slow path.</summary>
    public uint HasCode;

    /// <summary>Which of the page's 128 chunks of 32 bytes some block was decoded from.</summary>
    public ulong CodeLow, CodeHigh;

    /// <summary>Whether decoded code lies in a stretch of the page.</summary>
    public readonly bool HasCodeIn(uint offset, uint size)
    {
        if (HasCode == 0) return false;
        for (uint chunk = offset / ChunkBytes; chunk <= (offset + size - 1) / ChunkBytes; chunk++)
        {
            if (((chunk < 64 ? CodeLow : CodeHigh) >> (int)(chunk & 63) & 1) != 0) return true;
        }
        return false;
    }

    /// <summary>Notes that code was decoded from a stretch of the page.</summary>
    public void AddCode(uint offset, uint size)
    {
        for (uint chunk = offset / ChunkBytes; chunk <= (offset + size - 1) / ChunkBytes; chunk++)
        {
            if (chunk < 64) CodeLow |= 1UL << (int)chunk;
            else CodeHigh |= 1UL << (int)(chunk - 64);
        }
    }
}
