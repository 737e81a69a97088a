// A table of droplets for each folder in pictures/: nextflow run examples/nextflow --pictures 'pictures/*/*.png'

include { SAMDROPLET_SEGMENT } from './modules/local/samdroplet/segment/main'

params.pictures = 'pictures/*/*.png'
params.results = 'results'

workflow {
    plates = Channel.fromPath(params.pictures, checkIfExists: true)
        .map { picture -> [[id: picture.parent.name], picture] }
        .groupTuple()
    SAMDROPLET_SEGMENT(plates)
    SAMDROPLET_SEGMENT.out.droplets
        .map { meta, table -> [meta.id, table] }
        .subscribe { id, table -> table.copyTo("${params.results}/${id}/droplets.csv") }
}
