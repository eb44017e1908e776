using System.Xml.Linq;

namespace Hospes.Walls.Tests;

/// <summary>Reads every project file under src/ and fails on a project reference that the architecture does not allow.</summary>
public sealed class DoorsTests
{
    /// <summary>The architecture's table "Rooms": project, and the projects it may use directly.</summary>
    private static readonly Dictionary<string, string[]> Doors = new()
    {
        ["Hospes.Hypervisor"] = [],
        ["Hospes.Hypervisor.Soft"] = ["Hospes.Hypervisor"],
        ["Hospes.Hypervisor.Kvm"] = ["Hospes.Hypervisor"],
        ["Hospes.Virtio"] = ["Hospes.Hypervisor"],
        ["Hospes.Storage"] = [],
        ["Hospes.Display"] = [],
        ["Hospes.Network"] = [],
        ["Hospes.Machine"] = ["Hospes.Hypervisor", "Hospes.Virtio", "Hospes.Storage", "Hospes.Network", "Hospes.Display"],
        ["Hospes.Builder"] = ["Hospes.Hypervisor"],
        ["Hospes.Store"] = [],
        ["Hospes.Xen"] = ["Hospes.Hypervisor", "Hospes.Store"],
        ["Hospes.Qmp"] = [],
        ["Hospes.Vmm"] = ["Hospes.Machine", "Hospes.Display", "Hospes.Builder", "Hospes.Xen", "Hospes.Qmp", "Hospes.Hypervisor", "Hospes.Hypervisor.Soft", "Hospes.Hypervisor.Kvm"],
        ["Hospes.Domains"] = ["Hospes.Store", "Hospes.Qmp"],
        ["Hospes.Libvirt"] = ["Hospes.Domains"],
        ["Hospes.Cli"] = ["*"],
    };

    [Fact]
    public void EveryProjectReferenceIsADoorOfTheArchitecture()
    {
        var forbidden = new List<string>();
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            string room = Path.GetFileNameWithoutExtension(file);
            Doors.ShouldContainKey(room, "a project under src/ that is no room of the architecture");
            foreach (XElement reference in XDocument.Load(file).Descendants("ProjectReference"))
            {
                string target = Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/'));
                if (!Doors[room].Contains(target) && !Doors[room].Contains("*")) forbidden.Add($"{room} -> {target}");
            }
        }
        forbidden.ShouldBeEmpty();
    }
}
