using System.Diagnostics.CodeAnalysis;
using System.Text;
using Hospes.Builder.Boot;
using Hospes.Builder.Images;
using Hospes.Builder.Memory;

namespace Hospes.Builder;

/// <summary>Fills a guest's memory from a kernel, and says how its boot processor is to be entered. Stateless.</summary>
public static class DomainBuilder
{
    /// <summary>Builds a guest: reads and unpacks the kernel, places it, the initrd and the start information.</summary>
    /// <param name="context">What to build from.</param>
    /// <param name="state">How to enter the kernel, or null.</param>
    /// <param name="failure">Why the guest could not be built, or null; guest memory may have been written then.</param>
    /// <param name="progress">Told of every stage and of bytes done, on the calling thread; or null.</param>
    public static bool TryBuild(BootContext context, [NotNullWhen(true)] out BootState? state, [NotNullWhen(false)] out BuildFailure? failure, Action<BuildProgress>? progress = null)
    {
        state = null;
        progress?.Invoke(new BuildProgress(BuildStage.ReadKernel, 0, context.Kernel.Length));
        (KernelReport report, KernelImage? image) = KernelReader.Read(context.Kernel, context.Protocol);
        if (image is null)
        {
            failure = report.Failure!;
            return false;
        }
        progress?.Invoke(new BuildProgress(BuildStage.ReadKernel, context.Kernel.Length, context.Kernel.Length));
        failure = new Build(context, image, progress).Run(out state);
        return failure is null && state is not null;
    }

    /// <summary>One build in progress.</summary>
    private sealed class Build(BootContext context, KernelImage image, Action<BuildProgress>? progress)
    {
        private Placement _placement = null!;
        private ulong _entry = image.Report.Entry;

        public BuildFailure? Run(out BootState? state)
        {
            state = null;
            if (Placement.TryCreate(context.Memory, context.MemoryMap, out _placement) is { } bad) return bad;
            if (TryCommandLine(out byte[] commandLine) is { } wrong) return wrong;
            if (LoadKernel() is { } unloaded) return unloaded;
            if (LoadInitrd(out PlacedRegion? initrd) is { } unread) return unread;
            return WriteStartInfo(commandLine, initrd, out state);
        }

        private BuildFailure? TryCommandLine(out byte[] bytes)
        {
            // A Multiboot kernel's command line begins with its own name, as from a boot loader's menu.
            string text = image.Protocol == BootProtocol.Multiboot ? $"{context.KernelName} {context.CommandLine}".TrimEnd(' ') : context.CommandLine;
            bytes = Encoding.UTF8.GetBytes(text);
            if (bytes.AsSpan().Contains((byte)0)) return new BuildFailure(BuildError.CommandLineNotText);
            uint limit = Math.Min(image.Report.CommandLineLimit, 1 << 16);
            return (uint)bytes.Length <= limit ? null : new BuildFailure(BuildError.CommandLineTooLong, $"{bytes.Length} bytes, the kernel takes {limit}");
        }

        private BuildFailure? LoadKernel()
        {
            IReadOnlyList<ElfSegment> segments = image.Segments;
            if (segments.Count == 0)
            {
                if (PlaceBzImage(image.Header!, out ElfSegment whole) is { } homeless) return homeless;
                segments = [whole];
            }
            else
            {
                foreach (ElfSegment segment in segments)
                {
                    if (!_placement.TryClaim("kernel", segment.Physical, segment.MemorySize)) return NoMemory(segment.Physical, segment.MemorySize);
                }
            }
            long total = segments.Sum(segment => (long)segment.Data.Length), done = 0;
            foreach (ElfSegment segment in segments)
            {
                progress?.Invoke(new BuildProgress(BuildStage.LoadKernel, done, total));
                if (!context.Memory.TryWrite(segment.Physical, segment.Data.Span)) return NoMemory(segment.Physical, segment.MemorySize);
                done += segment.Data.Length;
                MemoryEraser.Clear(context.Memory, segment.Physical + (ulong)segment.Data.Length, segment.MemorySize - (ulong)segment.Data.Length);
            }
            progress?.Invoke(new BuildProgress(BuildStage.LoadKernel, done, total));
            return null;
        }

        /// <summary>Puts protected-mode code at its preferred address or, if it moves, at the lowest that has room.</summary>
        private BuildFailure? PlaceBzImage(LinuxHeader header, out ElfSegment segment)
        {
            ulong address = header.PreferredAddress, size = Math.Max(header.InitSize, (ulong)header.Code.Length), alignment = header.Alignment;
            segment = default;
            bool placed = address + size <= Placement.Limit32 && _placement.TryClaim("kernel", address, size);
            if (!placed && header.IsRelocatable && alignment >= 4096 && System.Numerics.BitOperations.IsPow2(alignment))
                placed = _placement.TryLowest("kernel", size, alignment, LinuxLayout.DefaultLoadAddress, Placement.Limit32, out address);
            if (!placed) return NoMemory(header.PreferredAddress, size);
            _entry = address + LinuxLayout.Entry64Offset;
            // The kernel clears what it needs cleared behind its code itself.
            segment = new ElfSegment(address, address, (ulong)header.Code.Length, header.Code);
            return null;
        }

        private BuildFailure? LoadInitrd(out PlacedRegion? initrd)
        {
            initrd = null;
            if (context.Initrd is not { } payload) return null;
            if (payload.Length == 0) return new BuildFailure(BuildError.InitrdEmpty);
            ulong max = image.Protocol == BootProtocol.Linux64 && image.Header is { } header ? Math.Min(header.InitrdMax + 1UL, Placement.Limit32) : Placement.Limit32;
            if (!_placement.TryHighest("initrd", (ulong)payload.Length, 4096, max, out ulong address))
                return new BuildFailure(BuildError.InitrdTooLarge, $"{payload.Length >> 10} KiB, the longest free stretch below 0x{max:x} is {_placement.Longest(max) >> 10} KiB");
            initrd = _placement.Regions[^1];
            Action<long>? tell = progress is null ? null : done => progress(new BuildProgress(BuildStage.LoadInitrd, done, payload.Length));
            return payload.CopyTo(context.Memory, address, tell);
        }

        private BuildFailure? WriteStartInfo(byte[] commandLine, PlacedRegion? initrd, out BootState? state)
        {
            state = null;
            progress?.Invoke(new BuildProgress(BuildStage.WriteStartInfo, 0, 1));
            int entries = context.MemoryMap.Count;
            bool linux = image.Protocol == BootProtocol.Linux64;
            (string name, int size) = image.Protocol switch
            {
                BootProtocol.Pvh => ("start info", PvhStartInfo.BlockSize(entries, commandLine.Length)),
                BootProtocol.Multiboot => ("multiboot info", MultibootInfo.BlockSize(entries, commandLine.Length)),
                _ => ("boot params", LinuxBootParams.BlockSize(commandLine.Length)),
            };
            ulong tables = 0;
            if (!Place(name, size, out ulong info) || !Place("descriptors", BootDescriptors.TableSize, out ulong descriptors)
                || (linux && !Place("page tables", LinuxBootParams.PageTablesSize, out tables)))
                return new BuildFailure(BuildError.NoMemoryForStartInfo, $"{size} bytes");
            byte[] block = image.Protocol switch
            {
                BootProtocol.Pvh => PvhStartInfo.Block(info, context, commandLine, initrd),
                BootProtocol.Multiboot => MultibootInfo.Block(info, context, commandLine, initrd),
                _ => LinuxBootParams.Block(info, context, commandLine, initrd, image.Header),
            };
            bool written = context.Memory.TryWrite(info, block) && context.Memory.TryWrite(descriptors, BootDescriptors.Table(linux))
                && (!linux || context.Memory.TryWrite(tables, LinuxBootParams.PageTables(tables)));
            if (!written) return new BuildFailure(BuildError.MemoryMapInvalid, $"no RAM at 0x{info:x}");
            state = new BootState
            {
                Protocol = image.Protocol,
                Entry = _entry,
                StartInfo = info,
                GdtAddress = descriptors,
                PageTables = tables,
                Regions = [.. _placement.Regions],
            };
            progress?.Invoke(new BuildProgress(BuildStage.WriteStartInfo, 1, 1));
            return null;
        }

        private bool Place(string name, int size, out ulong address) =>
            _placement.TryLowest(name, (ulong)size, 4096, Placement.StructureMin, Placement.Limit32, out address);

        private static BuildFailure NoMemory(ulong address, ulong size) => new(BuildError.NoMemoryForKernel, $"0x{size:x} bytes at 0x{address:x}");
    }
}
