using System.Diagnostics;

namespace Hospes.Oracle.Native;

/// <summary>
/// Runs batches of cases on the real processor, in a throwaway child. A case that kills or hangs the child is
/// reported as such (see <see cref="Died"/>) and the rest of the batch runs in a fresh child.
/// </summary>
internal sealed unsafe class NativeRunner : IDisposable
{
    /// <summary>The value of <see cref="CpuImage.Signal"/> for a case that the child did not survive.</summary>
    public const ulong Died = ulong.MaxValue;

    public const int BatchSize = 256;

    private const int SharedSize = SharedLayout.SlotsOffset + (BatchSize * CaseSlot.Size);
    private static readonly TimeSpan BatchLimit = TimeSpan.FromSeconds(10);

    private readonly byte* _shared;
    private readonly int _sharedDescriptor;
    private readonly int _programDescriptor;
    private Process? _child;

    public NativeRunner()
    {
        HasFsGsBase = (Libc.GetAuxiliaryValue(Libc.AuxHwcap2) & Libc.Hwcap2FsGsBase) != 0;
        _sharedDescriptor = CreateMemory("hospes-oracle-cases", SharedSize);
        _shared = Libc.Mmap(0, SharedSize, Libc.ProtRead | Libc.ProtWrite, Libc.MapShared, _sharedDescriptor, 0);
        Check((nint)_shared != -1, "mmap");
        new Span<byte>(_shared + SharedLayout.CodeOffset, SharedLayout.CodeSize).Fill(SharedLayout.Filler);

        var program = HarnessProgram.Build(_sharedDescriptor, SharedSize, HasFsGsBase);
        _programDescriptor = CreateMemory("hospes-oracle-child", 0);
        fixed (byte* bytes = program)
        {
            Check(Libc.Write(_programDescriptor, bytes, program.Length) == program.Length, "write");
        }
    }

    /// <summary>Whether cases may have a base in FS and GS other than 0.</summary>
    public bool HasFsGsBase { get; }

    /// <summary>How many children have been started.</summary>
    public int Started { get; private set; }

    /// <summary>The content of the read-only page, to be filled before the first batch.</summary>
    public Span<byte> ReadOnlyPage => new(_shared + SharedLayout.ReadOnlyOffset, SharedLayout.ReadOnlySize);

    // SAFETY: the slots lie in the mapping, which lives as long as this object; the index is checked.
    public ref CaseSlot Slot(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)BatchSize, nameof(index));
        return ref *(CaseSlot*)(_shared + SharedLayout.SlotsOffset + ((nint)index * CaseSlot.Size));
    }

    private ref ulong Control(int offset) => ref *(ulong*)(_shared + SharedLayout.ControlOffset + offset);

    /// <summary>Runs the first <paramref name="count"/> slots.</summary>
    public void Run(int count)
    {
        Control(SharedLayout.ControlIndex) = 0;
        Control(SharedLayout.ControlCount) = (ulong)count;
        while (Control(SharedLayout.ControlIndex) < (ulong)count)
        {
            if (_child is null)
            {
                Start();
            }

            if (RunChild())
            {
                return;
            }

            var culprit = (int)Control(SharedLayout.ControlIndex);
            if (culprit >= count || Control(SharedLayout.ControlRunning) == 0)
            {
                throw new InvalidOperationException($"The native child ended outside of any case, with status {StopChild()}.");
            }

            StopChild();
            Slot(culprit).Output.Signal = Died;
            new Span<byte>(_shared + SharedLayout.CodeOffset, SharedLayout.CodeSize).Fill(SharedLayout.Filler);
            Control(SharedLayout.ControlIndex)++;
        }
    }

    public void Dispose()
    {
        StopChild();
        _ = Libc.Munmap(_shared, SharedSize);
        _ = Libc.Close(_sharedDescriptor);
        _ = Libc.Close(_programDescriptor);
    }

    private static int CreateMemory(string name, long size)
    {
        var descriptor = Libc.MemfdCreate(name, 0);
        Check(descriptor >= 0, "memfd_create");
        Check(Libc.Ftruncate(descriptor, size) == 0, "ftruncate");
        return descriptor;
    }

    private static void Check(bool ok, string call)
    {
        if (!ok)
        {
            throw new InvalidOperationException($"{call} failed: {System.Runtime.InteropServices.Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private void Start()
    {
        Control(SharedLayout.ControlRunning) = 0;
        var start = new ProcessStartInfo($"/proc/self/fd/{_programDescriptor}")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        _child = Process.Start(start) ?? throw new InvalidOperationException("The native child did not start.");
        Started++;
    }

    /// <summary>Lets the child run from the current index on; false if it died or had to be killed.</summary>
    private bool RunChild()
    {
        var child = _child!;
        using var watchdog = new Timer(static state => Kill((Process)state!), child, BatchLimit, Timeout.InfiniteTimeSpan);
        try
        {
            child.StandardInput.BaseStream.WriteByte(1);
            child.StandardInput.BaseStream.Flush();
            return child.StandardOutput.BaseStream.ReadByte() >= 0;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void Kill(Process child)
    {
        try
        {
            child.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself in the meantime, which is what was wanted.
        }
    }

    private int StopChild()
    {
        if (_child is null)
        {
            return 0;
        }

        Kill(_child);
        _child.WaitForExit();
        var status = _child.ExitCode;
        _child.Dispose();
        _child = null;
        return status;
    }
}
