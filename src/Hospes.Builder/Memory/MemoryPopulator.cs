using System.Diagnostics.CodeAnalysis;
using Hospes.Hypervisor;

namespace Hospes.Builder.Memory;

/// <summary>A window of guest-physical addresses that is to hold RAM, such as ram-low and ram-high.</summary>
/// <param name="Address">The first address.</param>
/// <param name="Size">How many bytes; 0 for a window that is not used.</param>
public readonly record struct MemoryWindow(ulong Address, ulong Size);

/// <summary>A stretch that was populated.</summary>
/// <param name="Address">The first guest-physical address.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="PageSize">Bytes of the host pages behind it.</param>
public readonly record struct PopulatedRange(ulong Address, ulong Size, ulong PageSize);

/// <summary>
/// Populates guest memory: the step "populate" of a domain's build. With huge pages, a window is cut into what aligns with 1 GiB pages,
/// what aligns with 2 MiB pages, and the rest; each part takes the largest pages that the host gives at that moment. Nothing is touched:
/// the host gives ordinary pages where the guest first writes.
/// </summary>
public static class MemoryPopulator
{
    private const ulong Page1G = 1UL << 30, Page2M = 1UL << 21;

    /// <summary>How many bytes the host can give at most: its memory, or what a control group leaves of it.</summary>
    public static ulong HostMemory => (ulong)Math.Max(0, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <summary>Cuts windows into stretches by the largest page that each could have.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="useHugePages">Whether huge pages are wanted; without, a window is one stretch of 4 KiB pages.</param>
    public static IReadOnlyList<PopulatedRange> Plan(IReadOnlyList<MemoryWindow> windows, bool useHugePages)
    {
        var plan = new List<PopulatedRange>();
        foreach (MemoryWindow window in windows)
        {
            if (window.Size == 0) continue;
            if (!useHugePages)
            {
                plan.Add(new PopulatedRange(window.Address, window.Size, GuestMemory.PageSize));
                continue;
            }
            Cut(plan, window.Address, window.Address + window.Size, Page1G);
        }
        return plan;
    }

    /// <summary>Maps the windows' RAM.</summary>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="windows">The windows; those of size 0 are left out.</param>
    /// <param name="populated">What was mapped, with the pages that the host gave.</param>
    /// <param name="failure">Why not, or null; nothing is mapped then, unless the host refused a later stretch.</param>
    /// <param name="useHugePages">Whether pages from the host's huge-page pool are asked for first.</param>
    /// <param name="hostMemory">The most that the host can give; null to ask the host (<see cref="HostMemory"/>).</param>
    public static bool TryPopulate(GuestMemory memory, IReadOnlyList<MemoryWindow> windows, out IReadOnlyList<PopulatedRange> populated,
        [NotNullWhen(false)] out BuildFailure? failure, bool useHugePages = false, ulong? hostMemory = null)
    {
        populated = [];
        if ((failure = Check(windows, hostMemory ?? HostMemory)) is not null) return false;
        var done = new List<PopulatedRange>();
        foreach (PopulatedRange part in Plan(windows, useHugePages))
        {
            Status status = memory.Map(part.Address, part.Size, out MemoryRange? range, part.PageSize > GuestMemory.PageSize ? HugePages.Preferred : HugePages.None);
            if (status != Status.Ok)
            {
                failure = new BuildFailure(status == Status.AlreadyExists ? BuildError.MemoryMapInvalid : BuildError.MemoryRefused, $"{status}: 0x{part.Size:x} bytes at 0x{part.Address:x}");
                return false;
            }
            done.Add(new PopulatedRange(part.Address, part.Size, range!.PageSize));
        }
        populated = done;
        return true;
    }

    private static BuildFailure? Check(IReadOnlyList<MemoryWindow> windows, ulong hostMemory)
    {
        ulong total = 0, end = 0;
        foreach (MemoryWindow window in windows.Where(w => w.Size > 0).OrderBy(w => w.Address))
        {
            if (((window.Address | window.Size) & (GuestMemory.PageSize - 1)) != 0) return new BuildFailure(BuildError.MemoryMisaligned, $"0x{window.Size:x} bytes at 0x{window.Address:x}");
            if (window.Address >= GuestMemory.AddressLimit || window.Size > GuestMemory.AddressLimit - window.Address)
                return new BuildFailure(BuildError.MemoryBeyondHost, $"{window.Size >> 20} MiB at 0x{window.Address:x}, beyond 52 address bits");
            if (window.Address < end) return new BuildFailure(BuildError.MemoryMapInvalid, $"two windows hold 0x{window.Address:x}");
            end = window.Address + window.Size;
            total += window.Size;
        }
        if (total == 0) return new BuildFailure(BuildError.MemoryZero);
        return total <= hostMemory ? null : new BuildFailure(BuildError.MemoryBeyondHost, $"{total >> 20} MiB, the host has {hostMemory >> 20} MiB");
    }

    /// <summary>Adds the stretches between two addresses: what aligns with a page size in the middle, the next size around it.</summary>
    private static void Cut(List<PopulatedRange> plan, ulong start, ulong end, ulong pageSize)
    {
        if (start == end) return;
        if (pageSize == GuestMemory.PageSize)
        {
            plan.Add(new PopulatedRange(start, end - start, pageSize));
            return;
        }
        ulong smaller = pageSize == Page1G ? Page2M : GuestMemory.PageSize;
        ulong first = (start + pageSize - 1) / pageSize * pageSize, last = end / pageSize * pageSize;
        if (first >= last)
        {
            Cut(plan, start, end, smaller);
            return;
        }
        Cut(plan, start, first, smaller);
        plan.Add(new PopulatedRange(first, last - first, pageSize));
        Cut(plan, last, end, smaller);
    }
}
