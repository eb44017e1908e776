using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Emit;

/// <summary>
/// Memory for emitted code, mapped twice: once to be written, once to be executed, so that no address is ever both. The host commits pages
/// as they are first used.
/// </summary>
internal sealed unsafe partial class CodeMemory : IDisposable
{
    // SAFETY: both views are mappings of one memfd of Size bytes; they are unmapped in Dispose and nowhere else.

    private const int ProtectRead = 1, ProtectWrite = 2, ProtectExecute = 4, MapShared = 1, CloseOnExec = 1;

    private CodeMemory(byte* writable, byte* executable, int size)
    {
        Writable = writable;
        Executable = executable;
        Size = size;
    }

    /// <summary>The view that code is written through.</summary>
    public byte* Writable { get; private set; }

    /// <summary>The view that it runs from.</summary>
    public byte* Executable { get; private set; }

    /// <summary>Bytes of each view.</summary>
    public int Size { get; }

    /// <summary>Bytes to add to an executable address to get at the same byte in the writable view.</summary>
    public nint WriteDelta => (nint)(Writable - Executable);

    /// <summary>Maps code memory, or answers null where the host allows none.</summary>
    public static CodeMemory? TryCreate(int size)
    {
        int file = CreateFile("hospes-code", CloseOnExec);
        if (file < 0) return null;
        try
        {
            if (Truncate(file, size) != 0) return null;
            void* writable = Map(null, (nuint)size, ProtectRead | ProtectWrite, MapShared, file, 0);
            if (writable == (void*)-1) return null;
            void* executable = Map(null, (nuint)size, ProtectRead | ProtectExecute, MapShared, file, 0);
            if (executable != (void*)-1) return new CodeMemory((byte*)writable, (byte*)executable, size);
            _ = Unmap(writable, (nuint)size);
            return null;
        }
        finally
        {
            _ = Close(file);
        }
    }

    public void Dispose()
    {
        if (Writable == null) return;
        _ = Unmap(Writable, (nuint)Size);
        _ = Unmap(Executable, (nuint)Size);
        Writable = Executable = null;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateFile(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(int file, long size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
